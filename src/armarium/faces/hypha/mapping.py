"""Between the words of the Hypha clients and those of the core."""

from collections.abc import Mapping
from typing import Any

import msgspec

from armarium.core.files import Directory
from armarium.core.permissions import rules_of
from armarium.domain.artifact import COLLECTION_TYPES, Rules, View
from armarium.domain.errors import Invalid
from armarium.domain.file import FileEntry
from armarium.domain.principal import expand_grant
from armarium.domain.version import StagedFile, Staging

_decode = msgspec.json.decode


class Place(msgspec.Struct, frozen=True):
    """Where a new artifact goes: what the three ways to say it come down to."""

    workspace: str | None
    alias: str | None


def place_of(alias: str | None, artifact_id: str | None, workspace: str | None) -> Place:
    """Read `alias`, `workspace/alias` or `artifact_id`, which must agree with each other."""
    if artifact_id is not None:
        if alias is not None or workspace is not None:
            raise Invalid("artifact_id", "artifact_id cannot be combined with alias or workspace.")
        before, slash, after = artifact_id.partition("/")
        if not slash or "/" in after:
            raise Invalid("artifact_id", "Invalid artifact ID format: it must be 'workspace/alias'.")
        return Place(before, after)
    if alias is None or "/" not in alias:
        return Place(workspace, alias.strip() if alias is not None else None)
    before, _, after = alias.strip().partition("/")
    if "/" in after:
        raise Invalid("alias", "Invalid alias: it may contain one '/', between the workspace and the alias.")
    if workspace is not None and workspace != before:
        raise Invalid("workspace", f"Workspace '{workspace}' does not match the workspace in the alias '{alias}'.")
    return Place(before, after)


def merged_config(config: Mapping[str, Any] | None, permissions: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Fold the `permissions` shortcut into a config."""
    if permissions is None:
        return dict(config) if config is not None else None
    return {**(config or {}), "permissions": permissions}


def artifact_map(view: View) -> dict[str, Any]:
    """Describe an artifact with manifest and config as plain values, for the RPC."""
    described = artifact_json(view)
    described["manifest"] = _decode(described["manifest"])
    described["config"] = _decode(described["config"])
    return described


def artifact_json(view: View) -> dict[str, Any]:
    """Describe an artifact with manifest and config as the JSON they are stored as, for HTTP answers."""
    artifact = view.artifact
    rules = rules_of(artifact.config)
    return {
        "id": artifact.name,
        "type": artifact.type,
        "workspace": artifact.workspace,
        "parent_id": artifact.parent_name,
        "alias": artifact.alias,
        "manifest": artifact.manifest,
        "staging": None if view.staging is None else staging_list(view.staging),
        "download_count": artifact.download_count,
        "view_count": artifact.view_count,
        "file_count": artifact.file_count,
        "created_at": artifact.created_at,
        "created_by": artifact.created_by,
        "last_modified": artifact.modified_at,
        "versions": [
            {"version": version.label, "comment": version.comment, "created_at": version.created_at}
            for version in artifact.versions
        ],
        "config": _config_json(view, rules),
        "_id": artifact.id,
        "_permissions": {key: list(expand_grant(grant)) for key, grant in rules.permissions.items()},
    }


def _config_json(view: View, rules: Rules) -> msgspec.Raw:
    """A reader of a collection learns how many children or vectors it has as part of its config."""
    artifact = view.artifact
    if view.child_count is None or not (rules.is_collection or artifact.type in COLLECTION_TYPES):
        return artifact.config
    config = {**_decode(artifact.config), "is_collection": True, "child_count": view.child_count}
    if view.vector_count is not None:
        config["vector_count"] = view.vector_count
    return msgspec.Raw(msgspec.json.encode(config))


def staging_list(staging: Staging) -> list[dict[str, Any]]:
    """One entry a staged path; the last entry says what a commit would do."""
    return [*(staged_entry(file) for file in staging.files), {"_intent": str(staging.intent)}]


def staged_entry(file: StagedFile) -> dict[str, Any]:
    entry: dict[str, Any] = {"path": file.path}
    if file.download_weight:
        entry["download_weight"] = file.download_weight
    if file.removed:
        entry["_remove"] = True
    return entry


def listed_fields(described: dict[str, Any], list_fields: list[str] | None) -> dict[str, Any]:
    """What a collection's `list_fields` leaves of an entry; its identity is never left out."""
    if not list_fields:
        return described
    return {key: value for key, value in described.items() if key in list_fields or key in ("id", "_id", "alias")}


def directory_list(directory: Directory, *, offset: int, limit: int | None) -> list[dict[str, Any]]:
    """One page of a directory level: files by name, then directories by name, or with pending ones all by name."""
    entries = [_file_entry(entry, directory) for entry in directory.files]
    if directory.pending:
        entries += [_pending_entry(file, directory.prefix) for file in directory.pending]
        entries.sort(key=lambda entry: str(entry["name"]))
    entries += [
        {"type": "directory", "name": name, "size": 0, "last_modified": None} for name in directory.subdirectories
    ]
    return entries[offset : offset + limit if limit else None]


def _file_entry(entry: FileEntry, directory: Directory) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": "file",
        "name": entry.path[len(directory.prefix) :],
        "size": entry.size_bytes,
        "last_modified": entry.modified_at,
    }
    if entry.path in directory.weights:
        described["download_weight"] = directory.weights[entry.path]
    return described


def _pending_entry(file: StagedFile, prefix: str) -> dict[str, Any]:
    described = {
        "type": "file",
        "name": file.path[len(prefix) :],
        "size": 0,
        "last_modified": None,
        "etag": None,
        "pending": True,
    }
    return {**described, "download_weight": file.download_weight} if file.download_weight else described
