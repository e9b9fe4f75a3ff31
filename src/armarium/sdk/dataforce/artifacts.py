"""Artifacts of a collection: one base with the meaning of each method, and the two ways to call them."""

import asyncio
import builtins
import contextlib
import re
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from armarium.sdk.dataforce.api import as_id, given, only, part
from armarium.sdk.dataforce.configuration import Configuration, validate_collection
from armarium.sdk.dataforce.errors import ArtifactNotFoundError, BadRequestError, FileUploadError, NotFoundError
from armarium.sdk.dataforce.model_file import read_model_file
from armarium.sdk.dataforce.sending import fetch_file, send_file
from armarium.sdk.dataforce.values import Artifact, ArtifactStatus, CreatedArtifact, UploadUrl
from armarium.sdk.loop import run
from armarium.sdk.progress import Bar, Progress

T = TypeVar("T")
Maybe: TypeAlias = T | Coroutine[Any, Any, T]
"""A value from a sync client, something to await from an async one."""

FilePath = str | PathLike[str]
FileIndex = dict[str, tuple[int, int]]
Created = dict[str, UploadUrl | Artifact]

_SHA256 = re.compile(r"[0-9a-f]{64}")


class ArtifactResourceBase(ABC):
    """What one can do with artifacts.

    collection_id: of every method, the collection it is about; None takes the default of the client.
    Every method raises ConfigurationError if the client lacks a default it needs, and what `errors` lists
    if the server refuses.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration

    @abstractmethod
    def get(self, artifact_value: str, *, collection_id: str | None = None) -> Maybe[Artifact | None]:
        """Find an artifact by its id, or by its exact name or file name; None if there is none.

        Raises MultipleResourcesFoundError if several have that name.
        """

    @abstractmethod
    def list(self, *, collection_id: str | None = None) -> Maybe[list[Artifact]]:
        """All artifacts of the collection, in any status, oldest first."""

    @abstractmethod
    def download_url(self, artifact_id: str, *, collection_id: str | None = None) -> Maybe[dict[str, str]]:
        """A signed URL of the file, as `{"url": ...}`; it needs no key and serves ranges. Raises NotFoundError."""

    @abstractmethod
    def delete_url(self, artifact_id: str, *, collection_id: str | None = None) -> Maybe[dict[str, str]]:
        """A signed URL whose DELETE removes the bytes, as `{"url": ...}`. Raises NotFoundError.

        The artifact is `pending_deletion` from now on; `delete` ends it.
        """

    @abstractmethod
    def upload(
        self,
        file_path: FilePath,
        name: str,
        description: str | None = None,
        tags: builtins.list[str] | None = None,
        *,
        collection_id: str | None = None,
        on_progress: Progress | None = None,
    ) -> Maybe[Artifact]:
        """Store a model file (`.fnnx`, `.pyfnx` or `.dfs`, at most 5 GB) as a new artifact and return it.

        The manifest, the metrics and the file index come from the file; a large file goes in parts. What fails
        or is cancelled on the way leaves an artifact with status `upload_failed`.
        on_progress: called with the bytes done and the bytes in all; None prints a bar.
        Raises FileError if the file cannot be used, before anything is sent; FileUploadError if the store refuses it.
        """

    @abstractmethod
    def download(
        self,
        artifact_id: str,
        file_path: FilePath | None = None,
        *,
        collection_id: str | None = None,
        on_progress: Progress | None = None,
    ) -> Maybe[None]:
        """Fetch the file of an artifact; an existing file is replaced once everything is there and has its SHA-256.

        A download that broke off is taken up again by the next call.
        file_path: where to; None is its file name in the current folder.
        on_progress: called with the bytes done and the bytes in all; None prints a bar.
        Raises ValueError if there is no such artifact (a NotFoundError too); FileDownloadError.
        """

    @abstractmethod
    def create(
        self,
        collection_id: str | None,
        file_name: str,
        extra_values: dict[str, Any],
        manifest: dict[str, Any],
        file_hash: str,
        file_index: FileIndex,
        size: int,
        name: str | None = None,
        description: str | None = None,
        tags: builtins.list[str] | None = None,
    ) -> Maybe[Created]:
        """Announce an artifact whose bytes somebody else sends: `{"url": <where to PUT>, "model": <Artifact>}`.

        file_hash: SHA-256 in hex. file_index: member of the file -> offset and size in bytes. size: bytes.
        name: None takes the file name. `update` with status `uploaded` completes it.
        """

    @abstractmethod
    def update(
        self,
        artifact_id: str,
        file_name: str | None = None,
        name: str | None = None,
        description: str | None = None,
        tags: builtins.list[str] | None = None,
        status: ArtifactStatus | str | None = None,
        *,
        collection_id: str | None = None,
    ) -> Maybe[Artifact]:
        """Change what is given, leave the rest, and return the artifact. Raises NotFoundError.

        status: `uploaded`, `upload_failed` or `deletion_failed`; an illegal move is a BadRequestError.
        """

    @abstractmethod
    def delete(self, artifact_id: str, *, collection_id: str | None = None) -> Maybe[None]:
        """Remove an artifact, whatever its status. Raises NotFoundError."""


class AsyncArtifactResource(ArtifactResourceBase):
    """Artifacts, as coroutines."""

    @validate_collection
    async def get(self, artifact_value: str, *, collection_id: str | None = None) -> Artifact | None:
        if uid := as_id(artifact_value):
            return await self._by_id(uid, collection_id)
        artifacts = await self.list(collection_id=collection_id)
        named = [one for one in artifacts if artifact_value in (one.name, one.file_name)]
        return only(named, artifact_value)

    @validate_collection
    async def list(self, *, collection_id: str | None = None) -> builtins.list[Artifact]:
        return await self.configuration.api.list(await self._path(collection_id), Artifact)

    @validate_collection
    async def download_url(self, artifact_id: str, *, collection_id: str | None = None) -> dict[str, str]:
        path = f"{await self._path(collection_id, artifact_id)}/download-url"
        return await self.configuration.api.get(path, dict[str, str])

    @validate_collection
    async def delete_url(self, artifact_id: str, *, collection_id: str | None = None) -> dict[str, str]:
        path = f"{await self._path(collection_id, artifact_id)}/delete-url"
        return await self.configuration.api.get(path, dict[str, str])

    @validate_collection
    async def upload(
        self,
        file_path: FilePath,
        name: str,
        description: str | None = None,
        tags: builtins.list[str] | None = None,
        *,
        collection_id: str | None = None,
        on_progress: Progress | None = None,
    ) -> Artifact:
        file = await asyncio.to_thread(read_model_file, Path(file_path))
        created = await self._create(
            collection_id,
            file_name=file.file_name,
            extra_values=file.extra_values,
            manifest=file.manifest,
            file_hash=file.file_hash,
            file_index=file.file_index,
            size=file.size,
            name=name,
            description=description,
            tags=tags,
        )
        made = created.artifact.id
        progress = on_progress or Bar(f'Uploading model "{file.file_name}"...')
        try:
            await send_file(self.configuration.api, file, created.upload_details, progress)
        except BaseException:  # cancelled too: nobody shall wait for bytes that will not come
            with contextlib.suppress(Exception):  # the first error is the one to tell
                await self.update(made, status=ArtifactStatus.UPLOAD_FAILED, collection_id=collection_id)
            raise
        try:
            return await self.update(made, status=ArtifactStatus.UPLOADED, collection_id=collection_id)
        except BadRequestError as error:  # what arrived is not what was announced
            raise FileUploadError(error.message) from error

    @validate_collection
    async def download(
        self,
        artifact_id: str,
        file_path: FilePath | None = None,
        *,
        collection_id: str | None = None,
        on_progress: Progress | None = None,
    ) -> None:
        artifact = await self._to_download(artifact_id, collection_id)
        # The name comes from whoever uploaded the file: it may not choose the folder.
        target = Path(Path(artifact.file_name).name if file_path is None else file_path)
        digest = artifact.file_hash or ""
        verifiable = artifact.status == ArtifactStatus.UPLOADED and _SHA256.fullmatch(digest)
        url = (await self.download_url(artifact_id, collection_id=collection_id))["url"]
        progress = on_progress or Bar(f'Downloading model id="{artifact_id}"...')
        await fetch_file(url, target, digest if verifiable else None, progress)

    @validate_collection
    async def create(
        self,
        collection_id: str | None,
        file_name: str,
        extra_values: dict[str, Any],
        manifest: dict[str, Any],
        file_hash: str,
        file_index: FileIndex,
        size: int,
        name: str | None = None,
        description: str | None = None,
        tags: builtins.list[str] | None = None,
    ) -> Created:
        created = await self._create(
            collection_id,
            file_name=file_name,
            extra_values=extra_values,
            manifest=manifest,
            file_hash=file_hash,
            file_index=file_index,
            size=size,
            name=name,
            description=description,
            tags=tags,
        )
        return {"url": created.upload_details.as_url(), "model": created.artifact}

    @validate_collection
    async def update(
        self,
        artifact_id: str,
        file_name: str | None = None,
        name: str | None = None,
        description: str | None = None,
        tags: builtins.list[str] | None = None,
        status: ArtifactStatus | str | None = None,
        *,
        collection_id: str | None = None,
    ) -> Artifact:
        changes = given(file_name=file_name, name=name, description=description, tags=tags, status=status)
        path = await self._path(collection_id, artifact_id)
        return await self.configuration.api.send("PATCH", path, Artifact, changes)

    @validate_collection
    async def delete(self, artifact_id: str, *, collection_id: str | None = None) -> None:
        await self.configuration.api.delete(await self._path(collection_id, artifact_id))

    async def _path(self, collection_id: str | None, artifact_id: str | None = None) -> str:
        path = f"{await self.configuration.collection_path(collection_id)}/artifacts"
        return path if artifact_id is None else f"{path}/{part(artifact_id)}"

    async def _create(self, collection_id: str | None, **values: Any) -> CreatedArtifact:
        values["name"] = values["file_name"] if values["name"] is None else values["name"]
        return await self.configuration.api.send("POST", await self._path(collection_id), CreatedArtifact, values)

    async def _by_id(self, id: str, collection_id: str | None) -> Artifact | None:
        try:
            return await self.configuration.api.get(await self._path(collection_id, id), Artifact)
        except NotFoundError as error:
            if _is_about_the_artifact(error):
                return None
            raise

    async def _to_download(self, artifact_id: str, collection_id: str | None) -> Artifact:
        try:
            return await self.configuration.api.get(await self._path(collection_id, artifact_id), Artifact)
        except NotFoundError as error:
            message = f"Model with id '{artifact_id}' was not found: {error.message}"
            raise ArtifactNotFoundError(message, error.request, response=error.response, body=error.body) from None


class ArtifactResource(ArtifactResourceBase):
    """Artifacts, as blocking calls."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self._operations = AsyncArtifactResource(configuration)

    @validate_collection
    def get(self, artifact_value: str, *, collection_id: str | None = None) -> Artifact | None:
        return run(self._operations.get(artifact_value, collection_id=collection_id))

    @validate_collection
    def list(self, *, collection_id: str | None = None) -> builtins.list[Artifact]:
        return run(self._operations.list(collection_id=collection_id))

    @validate_collection
    def download_url(self, artifact_id: str, *, collection_id: str | None = None) -> dict[str, str]:
        return run(self._operations.download_url(artifact_id, collection_id=collection_id))

    @validate_collection
    def delete_url(self, artifact_id: str, *, collection_id: str | None = None) -> dict[str, str]:
        return run(self._operations.delete_url(artifact_id, collection_id=collection_id))

    @validate_collection
    def upload(
        self,
        file_path: FilePath,
        name: str,
        description: str | None = None,
        tags: builtins.list[str] | None = None,
        *,
        collection_id: str | None = None,
        on_progress: Progress | None = None,
    ) -> Artifact:
        return run(
            self._operations.upload(
                file_path, name, description, tags, collection_id=collection_id, on_progress=on_progress
            )
        )

    @validate_collection
    def download(
        self,
        artifact_id: str,
        file_path: FilePath | None = None,
        *,
        collection_id: str | None = None,
        on_progress: Progress | None = None,
    ) -> None:
        run(self._operations.download(artifact_id, file_path, collection_id=collection_id, on_progress=on_progress))

    @validate_collection
    def create(
        self,
        collection_id: str | None,
        file_name: str,
        extra_values: dict[str, Any],
        manifest: dict[str, Any],
        file_hash: str,
        file_index: FileIndex,
        size: int,
        name: str | None = None,
        description: str | None = None,
        tags: builtins.list[str] | None = None,
    ) -> Created:
        return run(
            self._operations.create(
                collection_id,
                file_name,
                extra_values,
                manifest,
                file_hash,
                file_index,
                size,
                name,
                description,
                tags,
            )
        )

    @validate_collection
    def update(
        self,
        artifact_id: str,
        file_name: str | None = None,
        name: str | None = None,
        description: str | None = None,
        tags: builtins.list[str] | None = None,
        status: ArtifactStatus | str | None = None,
        *,
        collection_id: str | None = None,
    ) -> Artifact:
        return run(
            self._operations.update(
                artifact_id, file_name, name, description, tags, status, collection_id=collection_id
            )
        )

    @validate_collection
    def delete(self, artifact_id: str, *, collection_id: str | None = None) -> None:
        run(self._operations.delete(artifact_id, collection_id=collection_id))


def _is_about_the_artifact(error: NotFoundError) -> bool:
    return isinstance(error.body, dict) and error.body.get("detail") == "Artifact not found"
