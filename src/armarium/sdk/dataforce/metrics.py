"""Which numbers of a model file are shown with the artifact (`extra_values`)."""

from collections.abc import Iterator
from typing import Any

_PREFIXES = ("dataforce.studio", "luml")
_TABULAR = ("tabular_classification", "tabular_regression")
_STUDIO = {f"{prefix}::{kind}:v1" for prefix in _PREFIXES for kind in _TABULAR}
_FALCON = {f"falcon.beastbyte.ai::{kind}_metrics:v1" for kind in _TABULAR}
_REGISTRY = {f"{prefix}::registry_metrics:v1" for prefix in _PREFIXES}


def metrics_of(manifest: dict[str, Any], meta: Any) -> dict[str, Any]:
    """The metrics of a model, {} if none are given.

    A model made by tabular training has its performance on held-out data, or else from cross-validation; any other
    model has what its maker registered. meta: the decoded meta.json, whatever it is.
    Source: protocol of dataforce, file formats.
    """
    if _STUDIO & _tags(manifest):
        performance = _at(_payload(meta, _FALCON), "metrics", "performance")
        chosen = _at(performance, "eval_holdout") or _at(performance, "eval_cv")
        if chosen:
            return {name: value for name, value in chosen.items() if name != "N_SAMPLES"}
    return _at(_payload(meta, _REGISTRY), "metrics")


def _payload(meta: Any, wanted: set[str]) -> dict[str, Any]:
    """The payload of the first entry with one of these tags."""
    return next((_at(entry, "payload") for entry in _entries(meta) if wanted & _tags(entry)), {})


def _entries(meta: Any) -> Iterator[dict[str, Any]]:
    return (entry for entry in (meta if isinstance(meta, list) else []) if isinstance(entry, dict))


def _tags(holder: dict[str, Any]) -> set[str]:
    tags = holder.get("producer_tags")
    return {tag for tag in tags if isinstance(tag, str)} if isinstance(tags, list) else set()


def _at(value: dict[str, Any], *path: str) -> dict[str, Any]:
    """The object at a path; {} where there is none."""
    found: Any = value
    for step in path:
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
