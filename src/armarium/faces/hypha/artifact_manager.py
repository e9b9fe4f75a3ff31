"""The artifact manager: the service functions Hypha clients call, in their words and their order of arguments.

Every function translates, calls the core once and translates back. Arguments the clients know but that
have no meaning here (`branch`) are accepted.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from armarium.core import Core
from armarium.core.versions import Changes
from armarium.domain.errors import Invalid, NotStaged
from armarium.domain.file import safe_path
from armarium.domain.principal import Principal
from armarium.faces.hypha.arguments import (
    decoded,
    encoded,
    format_of,
    intent_of,
    lifetime_of,
    object_of,
    object_or_none,
    offset_of,
    part_etags,
    paths_of,
    read_limit,
    secrets_of,
    text_of,
)
from armarium.faces.hypha.document_functions import DocumentFunctions
from armarium.faces.hypha.identity import Session
from armarium.faces.hypha.listing_functions import ListingFunctions
from armarium.faces.hypha.mapping import (
    artifact_map,
    directory_list,
    merged_config,
    place_of,
    staged_entry,
)
from armarium.faces.hypha.ranked_cursors import RankedCursors
from armarium.faces.hypha.services import Service, functions
from armarium.faces.hypha.vector_functions import VectorFunctions

Artifact = dict[str, Any]


class ArtifactManager:
    """What `get_service("public/artifact-manager")` gives."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def service(self) -> Service:
        calls = {name: getattr(self, name) for name in _FUNCTIONS}
        calls |= ListingFunctions(self._core).calls()
        calls |= VectorFunctions(self._core.vectors, RankedCursors(self._core.signer)).calls()
        calls |= DocumentFunctions(self._core.ingestion, self._core.jobs).calls()
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
            session.caller,
            manifest=object_of("manifest", manifest),
            alias=place.alias,
            workspace=place.workspace,
            parent=parent_id,
            type=type or "generic",
            config=merged_config(object_or_none("config", config), object_or_none("permissions", permissions)),
            secrets=secrets_of(secrets),
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
        who = session.caller
        base = object_or_none("config", config)
        if permissions is not None and base is None:
            base = await self._current_config(who, artifact_id, stage=bool(stage))
        changes = Changes(
            manifest=object_or_none("manifest", manifest),
            config=merged_config(base, object_or_none("permissions", permissions)),
            type=type,
            secrets=secrets_of(secrets),
        )
        if stage:
            return artifact_map(await self._core.versions.stage(who, artifact_id, changes, intent=intent_of(version)))
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
            session.caller, artifact_id, version=version, stage=bool(stage), silent=bool(silent)
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
        return artifact_map(await self._core.versions.commit(session.caller, artifact_id, label=label, comment=comment))

    async def discard(self, session: Session, artifact_id: str) -> Artifact:
        """Forget the draft; what is committed stays untouched."""
        try:
            return artifact_map(await self._core.versions.discard(session.caller, artifact_id))
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
            await self._core.versions.remove(session.caller, artifact_id, version)
        else:
            await self._core.artifacts.delete(session.caller, artifact_id, recursive=bool(recursive))

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
        paths = paths_of(file_path)
        weights = download_weight if isinstance(download_weight, list) else [download_weight] * len(paths)
        urls = await self._core.files.upload_urls(
            session.caller,
            artifact_id,
            paths,
            weights=weights,
            expires_in=lifetime_of(expires_in),
            direct=_may_be_direct(use_proxy, use_local_url),
        )
        return urls[0] if isinstance(file_path, str) else dict(zip(paths, urls, strict=True))

    async def put_file_start_multipart(
        self,
        session: Session,
        artifact_id: str,
        file_path: str,
        part_count: int,
        download_weight: float = 0,
        expires_in: float = 3600,
        use_proxy: bool | None = None,
        use_local_url: bool | str = False,
    ) -> dict[str, Any]:
        """Stage a file and return a URL to PUT each of its parts to."""
        begun = await self._core.uploads.begin(
            session.caller,
            artifact_id,
            text_of("file_path", file_path),
            part_count=part_count,
            weight=download_weight,
            expires_in=lifetime_of(expires_in),
            direct=_may_be_direct(use_proxy, use_local_url),
        )
        parts = [{"part_number": number, "url": url} for number, url in enumerate(begun.part_urls, start=1)]
        return {"upload_id": begun.upload_id, "parts": parts}

    async def put_file_complete_multipart(
        self, session: Session, artifact_id: str, upload_id: str, parts: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Join the uploaded parts, named by number and ETag in any order, into the file."""
        etags = part_etags(parts)
        entry = await self._core.uploads.complete(session.caller, artifact_id, text_of("upload_id", upload_id), etags)
        return {"success": True, "message": f"Upload of '{entry.path}' completed."}

    async def remove_file(self, session: Session, artifact_id: str, file_path: str, branch: str | None = None) -> None:
        """Take a file out of the draft; a committed one goes when the draft is committed."""
        await self._core.files.remove(session.caller, artifact_id, text_of("file_path", file_path))

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
        paths = paths_of(wanted)
        urls = await self._core.files.download_urls(
            session.caller,
            artifact_id,
            paths,
            expires_in=lifetime_of(expires_in),
            version=version,
            stage=bool(stage),
            silent=bool(silent),
            direct=_may_be_direct(use_proxy, use_local_url),
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
        kind = format_of(format)
        wanted = read_limit(limit)
        if isinstance(offset, bool) or not isinstance(offset, int) or offset < 0:
            raise Invalid("offset", "Offset must be a non-negative integer.")
        content = await self._core.files.read(
            session.caller,
            artifact_id,
            text_of("file_path", file_path),
            offset=offset,
            limit=wanted,
            version=version,
            stage=bool(stage),
        )
        return {
            "name": safe_path(file_path),
            "content": decoded(content, kind, encoding, is_cut=len(content) == wanted),
        }

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
        raw = encoded(content, format_of(format), encoding)
        try:
            await self._core.files.write(session.caller, artifact_id, text_of("file_path", file_path), raw)
        except NotStaged as error:
            raise Invalid("artifact_id", error.message) from None
        return {"success": True, "bytes_written": len(raw)}

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
        first, most = offset_of("offset", offset), offset_of("limit", limit)
        with_pending = bool(include_pending) and (bool(stage) or version == "stage")
        directory = await self._core.files.list(
            session.caller,
            artifact_id,
            dir_path,
            version=version,
            stage=bool(stage),
            with_pending=with_pending,
            limit=first + most if most else None,
        )
        return directory_list(directory, offset=first, limit=most or None)

    async def duplicate(
        self,
        session: Session,
        source_artifact_id: str,
        target_alias: str | None = None,
        target_workspace: str | None = None,
        target_parent_id: str | None = None,
        overwrite: bool = False,
        remove_secrets: bool = True,
        stage: bool = False,
    ) -> Artifact:
        """Make a copy of an artifact with the files of its latest version; secrets are never copied."""
        place = place_of(target_alias, None, target_workspace)
        view = await self._core.copies.duplicate(
            session.caller,
            source_artifact_id,
            alias=place.alias,
            workspace=place.workspace,
            parent=target_parent_id,
            overwrite=bool(overwrite),
            stage=bool(stage),
        )
        return artifact_map(view)

    async def set_parent(self, session: Session, artifact_id: str, new_parent_id: str | None = None) -> Artifact:
        """Put an artifact into another collection of its workspace, or with None at the root."""
        return artifact_map(await self._core.copies.move(session.caller, artifact_id, new_parent_id))

    async def publish(
        self, session: Session, artifact_id: str, to: str | None = None, metadata: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Publish the latest version and all its files to `zenodo` or `sandbox_zenodo`, for good."""
        more = object_or_none("metadata", metadata)
        return dict(await self._core.publication.publish(session.caller, artifact_id, to=to, metadata=more))

    async def reset_stats(self, session: Session, artifact_id: str) -> None:
        """Set the view and download counts back to zero."""
        await self._core.artifacts.reset_stats(session.caller, artifact_id)

    async def get_status(self, session: Session, artifact_id: str) -> dict[str, Any]:
        """Say whether there is a draft, and what is staged in it."""
        staged = await self._core.files.status(session.caller, artifact_id)
        if staged is None:
            return {"staged": False}
        return {"staged": True, "files": [staged_entry(file) for file in staged]}

    async def discard_changes(self, session: Session, artifact_id: str, branch: str | None = None) -> dict[str, str]:
        """Forget the draft, if there is one."""
        if await self._core.files.status(session.caller, artifact_id) is None:
            return {"status": "nothing_to_discard"}
        await self._core.versions.discard(session.caller, artifact_id)
        return {"status": "discarded", "branch": "all"}

    async def get_secret(
        self, session: Session, artifact_id: str, secret_key: str | None = None
    ) -> str | dict[str, str] | None:
        """Return a secret, None if there is none of that key, or without a key all of them."""
        secrets = await self._core.secrets.read(session.caller, artifact_id)
        return secrets if secret_key is None else secrets.get(secret_key)

    async def set_secret(
        self, session: Session, artifact_id: str, secret_key: str, secret_value: str | None = None
    ) -> None:
        """Set a secret; None removes it."""
        value = secrets_of({text_of("secret_key", secret_key): secret_value}, optional=True)
        await self._core.secrets.write(session.caller, artifact_id, value or {})

    async def set_download_weight(
        self, session: Session, artifact_id: str, file_path: str, download_weight: float
    ) -> None:
        """Say what one download of a file counts; 0 forgets it."""
        await self._core.files.set_weight(session.caller, artifact_id, text_of("file_path", file_path), download_weight)


_FUNCTIONS = (
    "create", "edit", "read", "commit", "discard", "discard_changes", "delete", "put_file", "remove_file", "get_file",
    "read_file", "write_file", "list_files", "reset_stats", "get_status", "get_secret", "set_secret",
    "set_download_weight", "put_file_start_multipart", "put_file_complete_multipart", "duplicate", "set_parent",
    "publish",
)  # fmt: skip


def _may_be_direct(use_proxy: bool | None, use_local_url: bool | str) -> bool:
    """Whether URLs may lead to the store itself: a caller may ask for the server's own."""
    return not use_proxy and not use_local_url
