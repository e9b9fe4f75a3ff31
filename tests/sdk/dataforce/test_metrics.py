"""Which numbers become extra values."""

from typing import Any

import pytest

from armarium.sdk.dataforce.metrics import metrics_of

STUDIO = {"producer_tags": ["dataforce.studio::tabular_classification:v1"]}


def tabular(performance: Any) -> dict[str, Any]:
    tags = ["falcon.beastbyte.ai::tabular_classification_metrics:v1"]
    return {"producer_tags": tags, "payload": {"metrics": {"performance": performance}}}


def registry(metrics: Any, tag: str = "dataforce.studio::registry_metrics:v1") -> dict[str, Any]:
    return {"producer_tags": [tag], "payload": {"metrics": metrics}}


@pytest.mark.parametrize(
    ("manifest", "meta", "metrics"),
    [
        (STUDIO, [tabular({"eval_holdout": {"F1": 0.9, "N_SAMPLES": 3}, "eval_cv": {"F1": 0.8}})], {"F1": 0.9}),
        (STUDIO, [tabular({"eval_holdout": {}, "eval_cv": {"F1": 0.8}})], {"F1": 0.8}),
        (STUDIO, [tabular({}), registry({"a": 1})], {"a": 1}),
        (STUDIO, [registry({"a": 1})], {"a": 1}),
        ({}, [tabular({"eval_cv": {"F1": 0.8}}), registry({"a": 1})], {"a": 1}),
        ({}, [registry({"a": 1}), registry({"a": 2})], {"a": 1}),
        ({}, [registry({"a": 1}, "luml::registry_metrics:v1")], {"a": 1}),
        ({}, [], {}),
    ],
)
def test_metrics_come_from_training_or_from_the_maker(manifest: Any, meta: Any, metrics: Any):
    assert metrics_of(manifest, meta) == metrics


@pytest.mark.parametrize(
    ("manifest", "meta"),
    [
        ({"producer_tags": None}, None),
        ({"producer_tags": [1, None]}, {"producer_tags": []}),
        (STUDIO, [None, 3, {"producer_tags": "x"}, tabular([]), tabular(None)]),
        ({}, [registry([1, 2])]),
        ({}, [{"producer_tags": ["dataforce.studio::registry_metrics:v1"], "payload": []}]),
    ],
)
def test_what_is_written_wrong_counts_as_nothing(manifest: Any, meta: Any):
    assert metrics_of(manifest, meta) == {}
