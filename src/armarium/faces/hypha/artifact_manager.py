"""The artifact manager: the service functions Hypha clients call, in their words and their order of arguments.

Every function translates, calls the core once and translates back. Arguments the clients know but that
have no meaning here (`branch`, `use_proxy`) are accepted: there is one way bytes come and go.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from armarium.core import Core
from armarium.core.versions import Changes
from armarium.domain.errors import Invalid, NotStaged
from armarium.domain.file import safe_path
from armarium.domain.principal import Principal
from armarium.domain.version import Intent
from armarium.faces.hypha.identity import Session
from armarium.faces.hypha.listing import Asked, answer_listing
from armarium.faces.hypha.mapping import (
    artifact_map,
    directory_list,
    merged_config,
    place_of,
    staged_entry,
)
from armarium.faces.hypha.services import Service, functions

DEFAULT_READ_BYTES = 65536
MAX_READ_BYTES = 10 * 1024 * 1024
SHORTEST_URL_LIFE = 1
LONGEST_URL_LIFE = 7 * 24 * 3600

Artifact = dict[str, Any]


class ArtifactManager:
    """What `get_service("public/artifact-manager")` gives."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def service(self) -> Service:
        calls = {name: getattr(self, attribute) for name, attribute in _FUNCTIONS.items()}
        return Service(
            id="artifact-manager",
            name="Artifact Manager",
            description="Artifacts, their versions and their files.",
            functions=functions(calls),
        )

    async def create(
        self,
        session: Session,
        alias: str | None = None,
        artifact_id: str | None = None,
        workspace: str | None = None,
        parent_id: str | None = None,
        manifest: dict[str, Any] | None = None,
        type: str | None = "generic",
        config: dict[str, Any] | None = None,
        secrets: dict[str, str] | None = None,
        version: str | None = None,
        comment: str | None = None,
        overwrite: bool = False,
        stage: bool = False,
        permissions: dict[str, Any] | None = None,
    ) -> Artifact:
        """Create an artifact or a collection; with stage=True it stays a draft until it is committed."""
        place = place_of(alias, artifact_id, workspace)
        staged = bool(stage) or version == "stage"
        view = await self._core.artifacts.create(
            _who(session),
            manifest=_object("manifest", manifest),
            alias=place.alias,
            workspace=place.workspace,
            parent=parent_id,
            type=type or "generic",
            config=merged_config(_object_or_none("config", config), _object_or_none("permissions", permissions)),
            secrets=_secrets(secrets),
            label=None if version in ("new", "stage") or staged else version,
            comment=comment,
            stage=staged,
            overwrite=bool(overwrite),
        )
        return artifact_map(view)

    async def edit(
        self,
        session: Session,
        artifact_id: str,
        manifest: dict[str, Any] | None = None,
        type: str | None = None,
        config: dict[str, Any] | None = None,
        secrets: dict[str, str] | None = None,
        version: str | None = None,
        comment: str | None = None,
        stage: bool = False,
        branch: str | None = None,
        permissions: dict[str, Any] | None = None,
    ) -> Artifact:
        """Change an artifact at once, or with stage=True in its draft; what is given replaces what was there."""
        who = _who(session)
        base = _object_or_none("config", config)
        if permissions is not None and base is None:
            base = await self._current_config(who, artifact_id, stage=bool(stage))
        changes = Changes(
            manifest=_object_or_none("manifest", manifest),
            config=merged_config(base, _object_or_none("permissions", permissions)),
            type=type,
            secrets=_secrets(secrets),
        )
        if stage:
            return artifact_map(await self._core.versions.stage(who, artifact_id, changes, intent=_intent(version)))
        label = None if version in (None, "new", "stage") else version
        view = await self._core.versions.edit(
            who, artifact_id, changes, label=label, as_new=version == "new", comment=comment
        )
        return artifact_map(view)

    async def _current_config(self, who: Principal, artifact_id: str, *, stage: bool) -> Mapping[str, Any]:
        view = await self._core.artifacts.read(who, artifact_id, stage=stage, silent=True)
        config: dict[str, Any] = msgspec.json.decode(view.artifact.config)
        return config

    async def read(
        self,
        session: Session,
        artifact_id: str,
        silent: bool = False,
        version: str | int | None = None,
        stage: bool = False,
        include_metadata: bool = False,
    ) -> Artifact:
        """Return an artifact, as published, as of a version or with version="stage" its draft; counts a view."""
        view = await self._core.artifacts.read(
            _who(session), artifact_id, version=version, stage=bool(stage), silent=bool(silent)
        )
        return artifact_map(view)

    async def commit(
        self,
        session: Session,
        artifact_id: str,
        version: str | None = None,
        comment: str | None = None,
        branch: str | None = None,
    ) -> Artifact:
        """Turn the draft into the next version, or into the latest one, in one step."""
        label = None if version == "new" else version
        return artifact_map(await self._core.versions.commit(_who(session), artifact_id, label=label, comment=comment))

    async def discard(self, session: Session, artifact_id: str) -> Artifact:
        """Forget the draft; what is committed stays untouched."""
        try:
            return artifact_map(await self._core.versions.discard(_who(session), artifact_id))
        except NotStaged as error:
            raise Invalid("artifact_id", error.message) from None

    async def delete(
        self,
        session: Session,
        artifact_id: str,
        delete_files: bool = False,
        recursive: bool = False,
        version: str | int | None = None,
    ) -> None:
        """Delete an artifact, with recursive=True all that is below it, or with version= one version."""
        if version is not None:
            await self._core.versions.remove(_who(session), artifact_id, version)
        else:
            await self._core.artifacts.delete(_who(session), artifact_id, recursive=bool(recursive))

    async def put_file(
        self,
        session: Session,
        artifact_id: str,
        file_path: str | list[str],
        download_weight: float | list[float] = 0,
        use_proxy: bool | None = None,
        use_local_url: bool | str = False,
        expires_in: float = 3600,
        branch: str | None = None,
        version: str | None = None,
    ) -> str | dict[str, str]:
        """Stage a file and return a URL to PUT its bytes to; a list of paths gives a map of URLs."""
        paths = _paths(file_path)
        weights = download_weight if isinstance(download_weight, list) else [download_weight] * len(paths)
        urls = await self._core.files.upload_urls(
            _who(session), artifact_id, paths, weights=weights, expires_in=_lifetime(expires_in)
        )
        return urls[0] if isinstance(file_path, str) else dict(zip(paths, urls, strict=True))

    async def remove_file(self, session: Session, artifact_id: str, file_path: str, branch: str | None = None) -> None:
        """Take a file out of the draft; a committed one goes when the draft is committed."""
        await self._core.files.remove(_who(session), artifact_id, _text("file_path", file_path))

    async def get_file(
        self,
        session: Session,
        artifact_id: str,
        file_path: str | list[str] | None = None,
        silent: bool = False,
        version: str | int | None = None,
        stage: bool = False,
        branch: str | None = None,
        use_proxy: bool | None = None,
        use_local_url: bool | str = False,
        expires_in: float = 3600,
        path: str | list[str] | None = None,
    ) -> str | dict[str, str]:
        """Return a URL to GET a file from; a list of paths gives a map of URLs, all or none."""
        wanted = file_path if file_path is not None else path
        paths = _paths(wanted)
        urls = await self._core.files.download_urls(
            _who(session),
            artifact_id,
            paths,
            expires_in=_lifetime(expires_in),
            version=version,
            stage=bool(stage),
            silent=bool(silent),
        )
        return urls[0] if isinstance(wanted, str) else dict(zip(paths, urls, strict=True))

    async def read_file(
        self,
        session: Session,
        artifact_id: str,
        file_path: str,
        format: str = "text",
        encoding: str = "utf-8",
        offset: int = 0,
        limit: int | None = None,
        version: str | int | None = None,
        stage: bool = False,
        branch: str | None = None,
    ) -> dict[str, Any]:
        """Return a file's content, or part of it, as text, binary, base64 or json."""
        kind = _format(format)
        wanted = _read_limit(limit)
        if isinstance(offset, bool) or not isinstance(offset, int) or offset < 0:
            raise Invalid("offset", "Offset must be a non-negative integer.")
        content = await self._core.files.read(
            _who(session),
            artifact_id,
            _text("file_path", file_path),
            offset=offset,
            limit=wanted,
            version=version,
            stage=bool(stage),
        )
        return {"name": safe_path(file_path), "content": _decoded(content, kind, encoding)}

    async def write_file(
        self,
        session: Session,
        artifact_id: str,
        file_path: str,
        content: Any,
        format: str = "text",
        encoding: str = "utf-8",
        branch: str | None = None,
    ) -> dict[str, Any]:
        """Stage a file with this content, given as text, binary, base64 or json."""
        encoded = _encoded(content, _format(format), encoding)
        try:
            await self._core.files.write(_who(session), artifact_id, _text("file_path", file_path), encoded)
        except NotStaged as error:
            raise Invalid("artifact_id", error.message) from None
        return {"success": True, "bytes_written": len(encoded)}

    async def list_files(
        self,
        session: Session,
        artifact_id: str,
        dir_path: str | None = None,
        limit: int = 1000,
        version: str | int | None = None,
        stage: bool = False,
        branch: str | None = None,
        include_pending: bool = False,
        offset: int = 0,
    ) -> list[dict[str, Any]]:
        """List one directory: files by name, then directories by name; a directory that is not there is empty."""
        first, most = _offset("offset", offset), _offset("limit", limit)
        with_pending = bool(include_pending) and (bool(stage) or version == "stage")
        directory = await self._core.files.list(
            _who(session),
            artifact_id,
            dir_path,
            version=version,
            stage=bool(stage),
            with_pending=with_pending,
            limit=first + most if most else None,
        )
        return directory_list(directory, offset=first, limit=most or None)

    async def list_artifacts(
        self,
        session: Session,
        parent_id: str | None = None,
        keywords: list[str] | str | None = None,
        filters: dict[str, Any] | None = None,
        mode: str = "AND",
        offset: int = 0,
        limit: int = 100,
        order_by: str | None = None,
        silent: bool = False,
        pagination: bool = False,
        stage: bool | str | None = False,
        artifact_id: str | None = None,
    ) -> list[Artifact] | dict[str, Any]:
        """List the children of a collection, or without one the root artifacts of the workspace; counts a view."""
        asked = Asked(keywords, filters, mode, offset, limit, order_by, stage, bool(pagination), bool(silent))
        parent = artifact_id if parent_id is None else parent_id
        return await answer_listing(self._core, _who(session), parent, asked, roots_only=True, describe=artifact_map)

    async def search(
        self,
        session: Session,
        parent_id: str | None = None,
        keywords: list[str] | str | None = None,
        filters: dict[str, Any] | None = None,
        mode: str = "AND",
        offset: int = 0,
        limit: int = 100,
        order_by: str | None = None,
        pagination: bool = False,
        stage: bool | str | None = False,
    ) -> list[Artifact] | dict[str, Any]:
        """Search a collection, or without one all artifacts of the workspace at any depth."""
        asked = Asked(keywords, filters, mode, offset, limit, order_by, stage, bool(pagination), True)
        return await answer_listing(self._core, _who(session), parent_id, asked, describe=artifact_map)

    async def reset_stats(self, session: Session, artifact_id: str) -> None:
        """Set the view and download counts back to zero."""
        await self._core.artifacts.reset_stats(_who(session), artifact_id)

    async def get_status(self, session: Session, artifact_id: str) -> dict[str, Any]:
        """Say whether there is a draft, and what is staged in it."""
        staged = await self._core.files.status(_who(session), artifact_id)
        if staged is None:
            return {"staged": False}
        return {"staged": True, "files": [staged_entry(file) for file in staged]}

    async def discard_changes(self, session: Session, artifact_id: str, branch: str | None = None) -> dict[str, str]:
        """Forget the draft, if there is one."""
        if await self._core.files.status(_who(session), artifact_id) is None:
            return {"status": "nothing_to_discard"}
        await self._core.versions.discard(_who(session), artifact_id)
        return {"status": "discarded", "branch": "all"}

    async def get_secret(
        self, session: Session, artifact_id: str, secret_key: str | None = None
    ) -> str | dict[str, str] | None:
        """Return a secret, None if there is none of that key, or without a key all of them."""
        secrets = await self._core.secrets.read(_who(session), artifact_id)
        return secrets if secret_key is None else secrets.get(secret_key)

    async def set_secret(
        self, session: Session, artifact_id: str, secret_key: str, secret_value: str | None = None
    ) -> None:
        """Set a secret; None removes it."""
        value = _secrets({_text("secret_key", secret_key): secret_value}, optional=True)
        await self._core.secrets.write(_who(session), artifact_id, value or {})

    async def set_download_weight(
        self, session: Session, artifact_id: str, file_path: str, download_weight: float
    ) -> None:
        """Say what one download of a file counts; 0 forgets it."""
        await self._core.files.set_weight(_who(session), artifact_id, _text("file_path", file_path), download_weight)


_FUNCTIONS: Mapping[str, str] = {
    name: name
    for name in (
        "create", "edit", "read", "commit", "discard", "discard_changes", "delete", "put_file", "remove_file",
        "get_file", "read_file", "write_file", "list_files", "search", "reset_stats", "get_status", "get_secret",
        "set_secret", "set_download_weight",
    )
} | {"list": "list_artifacts"}  # fmt: skip


def _who(session: Session) -> Principal:
    """The caller, at home in the workspace of the session."""
    principal = session.principal
    if principal.current_workspace == session.workspace:
        return principal
    return msgspec.structs.replace(principal, current_workspace=session.workspace)


def _object(field: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not value:
        raise Invalid(field, f"{field.capitalize()} must be provided as a non-empty object.")
    return value


def _object_or_none(field: str, value: object) -> Mapping[str, Any] | None:
    if value is not None and not isinstance(value, Mapping):
        raise Invalid(field, f"{field.capitalize()} must be an object.")
    return value


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise Invalid(field, f"{field} must be a string.")
    return value


def _paths(value: object) -> list[str]:
    paths = [value] if isinstance(value, str) else value
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
        raise Invalid("file_path", "file_path must be a string or a non-empty list of strings.")
    return paths


def _secrets(value: object, *, optional: bool = False) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise Invalid("secrets", "Secrets must be an object.")
    for key, secret in value.items():
        if not (isinstance(secret, str) or (optional and secret is None)):
            raise Invalid("secrets", f"The secret '{key}' must be a string.")
    return dict(value)


def _intent(version: object) -> Intent | None:
    """What `version` means for a draft; None keeps the draft's intent."""
    if version is None:
        return None
    if version not in ("new", "stage"):
        raise Invalid("version", f"Invalid version '{version}': a draft takes None, 'new' or 'stage'.")
    return Intent.NEW_VERSION if version == "new" else Intent.EDIT_VERSION


def _lifetime(seconds: object) -> timedelta:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds != seconds:  # noqa: PLR0124
        raise Invalid("expires_in", "expires_in must be a number of seconds.")
    return timedelta(seconds=min(max(seconds, SHORTEST_URL_LIFE), LONGEST_URL_LIFE))


def _offset(field: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Invalid(field, f"Invalid {field}: it must be a non-negative whole number.")
    return value


def _read_limit(limit: object) -> int:
    if limit is None:
        return DEFAULT_READ_BYTES
    if isinstance(limit, bool) or not isinstance(limit, int) or limit <= 0:
        raise Invalid("limit", "Limit must be a positive integer.")
    if limit > MAX_READ_BYTES:
        raise Invalid("limit", "Limit cannot exceed 10MB.")
    return limit


def _format(name: object) -> str:
    kind = name.lower() if isinstance(name, str) else ""
    if kind not in ("text", "binary", "base64", "json"):
        raise Invalid("format", f"Invalid format '{name}': use text, binary, base64 or json.")
    return kind


def _decoded(content: bytes, kind: str, encoding: str) -> Any:
    if kind == "binary":
        return content
    if kind == "base64":
        return base64.b64encode(content).decode()
    try:
        return msgspec.json.decode(content) if kind == "json" else content.decode(encoding)
    except (ValueError, LookupError) as error:
        raise Invalid("format", f"The file is not valid {kind}: {error}") from None


def _encoded(content: Any, kind: str, encoding: str) -> bytes:
    try:
        if kind == "json":
            text = content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False)
            return text.encode(encoding)
        if kind == "binary":
            return bytes(memoryview(content))
        if not isinstance(content, str):
            raise Invalid("content", f"Content must be a string for the format {kind}.")
        return base64.b64decode(content, validate=True) if kind == "base64" else content.encode(encoding)
    except (TypeError, ValueError, LookupError, binascii.Error) as error:
        raise Invalid("content", f"The content is not valid {kind}: {error}") from None
