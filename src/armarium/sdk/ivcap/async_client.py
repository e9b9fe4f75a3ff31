"""The client for async code."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar

from armarium.sdk.ivcap import membership, uploads
from armarium.sdk.ivcap.async_objects import AsyncArtifact, AsyncAspect, AsyncCollection
from armarium.sdk.ivcap.environment import DEFAULT_FOLDER
from armarium.sdk.ivcap.listing import Walk
from armarium.sdk.ivcap.local import LocalPlatform
from armarium.sdk.ivcap.markers import Notes
from armarium.sdk.ivcap.platform import ArtifactQuery, AspectQuery, Platform, Record, Transfer
from armarium.sdk.ivcap.requests import (
    artifact_walk,
    aspect_walk,
    new_aspect,
    new_secret,
    platform_for,
    secret_walk,
    statement,
)
from armarium.sdk.ivcap.values import CollectionItem, SearchResult, Secret
from armarium.sdk.progress import Progress

T = TypeVar("T")


class AsyncIVCAP:
    """Artifacts, aspects, collections and secrets of one IVCAP service, or of a folder, without blocking.

    Without arguments and without `IVCAP_URL` and `IVCAP_BASE_URL` it works in a folder, `IVCAP_LOCAL_DIR`
    or `ivcap-artifacts`. Making one sends nothing. Raises ValueError when only the URL or only the token is known.
    """

    def __init__(self, url: str | None = None, token: str | None = None, account_id: str | None = None) -> None:
        self.platform: Platform = platform_for(url, token, account_id)

    @classmethod
    def local(cls, base_dir: str | Path = DEFAULT_FOLDER) -> Self:
        """A client that keeps everything below a folder and needs no service."""
        client = cls.__new__(cls)
        client.platform = LocalPlatform(base_dir)
        return client

    @property
    def url(self) -> str | None:
        """Of the service; None in a folder."""
        return self.platform.url

    @property
    def account_id(self) -> str | None:
        """Whose account the caller means to work in; the token decides."""
        return self.platform.account_id

    # -- artifacts ------------------------------------------------------------------------------------------------

    async def upload_artifact(
        self,
        *,
        name: str | None = None,
        file_path: str | Path | None = None,
        io_stream: BinaryIO | None = None,
        content_type: str | None = None,
        content_size: int = -1,
        collection: str | None = None,
        policy: str | None = None,
        chunk_size: int | None = None,
        retries: int = 0,
        retry_delay: float = 30,
        force_upload: bool = False,
        progress_callback: Progress | None = None,
    ) -> AsyncArtifact:
        """Store a file or what a stream holds as a new artifact.

        content_type: guessed from the name of the file if not given. content_size: of a stream, -1 if unknown.
        chunk_size: bytes per request, None for all in one. retries: how many failures in a row to sit out,
        `retry_delay` seconds each. A file uploaded before is found again unless `force_upload`; one whose
        upload was interrupted goes on where it stopped.
        Raises ValueError for what cannot be asked, UploadFailed when bytes are missing in the end.
        """
        wanted = uploads.Upload(
            name=name,
            file_path=file_path,
            io_stream=io_stream,
            content_type=content_type,
            content_size=content_size,
            collection=collection,
            policy=policy,
            force=force_upload,
            transfer=Transfer(
                chunk_size=chunk_size, retries=retries, retry_delay=retry_delay, progress=progress_callback
            ),
        )
        return AsyncArtifact(self, **await uploads.upload(self.platform, wanted))

    async def get_artifact(self, id: str) -> AsyncArtifact:
        """Raises IvcapApiError, with status 404 for an artifact that is not there."""
        return AsyncArtifact(self, **await self.platform.artifact(id))

    async def artifact_for_file(self, file_path: str | Path) -> AsyncArtifact | None:
        """The artifact a file of this very content was uploaded as from here; None if it was not."""
        urn = await asyncio.to_thread(Notes(Path(file_path)).complete_urn)
        return None if urn is None else await self.get_artifact(urn)

    def list_artifacts(
        self,
        *,
        filter: str | None = None,
        limit: int | None = 10,
        order_by: str | None = None,
        order_desc: bool = False,
        at_time: datetime | None = None,
    ) -> AsyncIterator[AsyncArtifact]:
        """limit: how many in all; None for every one. at_time: as of a moment in the past."""
        query = ArtifactQuery(filter=filter, order_by=order_by, order_desc=order_desc, at_time=at_time)
        return _each(artifact_walk(self.platform, query, limit), lambda record: AsyncArtifact(self, **record))

    # -- aspects --------------------------------------------------------------------------------------------------

    async def add_aspect(
        self, entity: str, aspect: Any, *, schema: str | None = None, policy: str | None = None
    ) -> AsyncAspect:
        """State something about an entity, beside what is stated already.

        aspect: a dictionary or something with `to_dict()`. schema: its `$schema` if not given.
        Raises MissingParameterValue without a schema.
        """
        schema, content = statement(entity, aspect, schema, policy)
        urn = await self.platform.add_aspect(entity, schema, content, policy)
        return AsyncAspect(self, **new_aspect(urn, entity, schema, content))

    async def update_aspect(
        self, entity: str, aspect: Any, *, schema: str | None = None, policy: str | None = None
    ) -> AsyncAspect:
        """State something in place of the one aspect of this entity and schema; status 424 if there are several."""
        schema, content = statement(entity, aspect, schema, policy)
        urn = await self.platform.replace_aspect(entity, schema, content, policy)
        return AsyncAspect(self, **new_aspect(urn, entity, schema, content))

    async def get_aspect(self, id: str) -> AsyncAspect:
        """An aspect by its URN, also one that no longer holds."""
        return AsyncAspect(self, **await self.platform.aspect(id))

    def list_aspects(
        self,
        *,
        entity: str | None = None,
        schema: str | None = None,
        content_path: str | None = None,
        at_time: datetime | None = None,
        limit: int | None = 10,
        filter: str | None = None,
        order_by: str = "valid_from",
        order_direction: str = "DESC",
        include_content: bool = True,
    ) -> AsyncIterator[AsyncAspect]:
        """Aspects that hold now, or held at a time.

        schema: `%` stands for anything. content_path: a JSON path the content must answer.
        limit: how many in all; None for every one.
        """
        query = AspectQuery(
            entity=entity,
            schema=schema,
            content_path=content_path,
            at_time=at_time,
            filter=filter,
            order_by=order_by,
            order_direction=order_direction,
            include_content=include_content,
        )
        return _each(aspect_walk(self.platform, query, limit), lambda record: AsyncAspect(self, **record))

    async def retract_aspect(self, id: str) -> None:
        """Let an aspect hold no longer."""
        await self.platform.retract_aspect(id)

    # -- collections ----------------------------------------------------------------------------------------------

    async def create_collection(
        self, urn: str, name: str, description: str | None = None, policy: str | None = None
    ) -> AsyncCollection:
        """Define a collection under a URN of your choice, or give it another name and description."""
        return AsyncCollection(self, **await membership.define(self.platform, urn, name, description, policy))

    async def get_collection(self, urn: str, at_time: datetime | None = None) -> AsyncCollection:
        """Raises ResourceNotFound, AmbiguousRequest."""
        return AsyncCollection(self, **await membership.definition(self.platform, urn, at_time))

    def list_collections(
        self, name_filter: str | None = None, limit: int | None = 10, at_time: datetime | None = None
    ) -> AsyncIterator[AsyncCollection]:
        """name_filter: how the name must compare, such as `== "x"`, `starts with "x"` or `like_regex "x" flag "i"`."""
        walk = membership.definitions(self.platform, name_filter, limit, at_time)
        return _each(walk, lambda record: AsyncCollection(self, **record))

    def list_collection_items(
        self, urn: str, limit: int | None = 10, at_time: datetime | None = None
    ) -> AsyncIterator[CollectionItem]:
        """What a collection holds, or held at a time. limit: None for all."""
        return _each(membership.members(self.platform, urn, limit, at_time), CollectionItem.of)

    async def add_to_collection(
        self, collection: str | AsyncCollection, item: str, policy: str | None = None
    ) -> CollectionItem | None:
        """Make a URN a member; None if it is one already."""
        record = await membership.add(self.platform, _urn(collection), item, policy)
        return None if record is None else CollectionItem.of(record)

    async def remove_from_collection(self, collection: str | AsyncCollection, item: str) -> bool:
        """End a membership; False if there was none."""
        return await membership.remove(self.platform, _urn(collection), item)

    async def retract_collection(self, collection: str | AsyncCollection) -> int:
        """End a collection and all memberships; returns how many aspects were retracted. Raises ResourceNotFound."""
        return await membership.retract(self.platform, _urn(collection))

    # -- search and secrets ---------------------------------------------------------------------------------------

    async def search(self, query: str, limit: int = 10) -> SearchResult:
        """Ask a Datalog query."""
        return SearchResult.of(await self.platform.search(query, limit))

    def list_secrets(self, filter: str | None = None, limit: int | None = 10) -> AsyncIterator[Secret]:
        """Secrets by name, without their values. filter: a regular expression."""
        return _each(secret_walk(self.platform, filter, limit), Secret.of)

    async def get_secret(self, name: str, *, secret_type: str | None = None) -> str:
        """The value of a secret."""
        record = await self.platform.secret(name, secret_type)
        return str(record["secret-value"])

    async def set_secret(self, name: str, value: str, *, expiry: int = 0, secret_type: str | None = None) -> None:
        """Keep a secret. expiry: seconds since the epoch, 0 for never."""
        await self.platform.set_secret(new_secret(name, value, expiry, secret_type))

    def __repr__(self) -> str:
        return f"<AsyncIVCAP {self.url or 'in a folder'}>"


def _urn(collection: str | AsyncCollection) -> str:
    return collection if isinstance(collection, str) else collection.urn


async def _each(walk: Walk, made: Callable[[Record], T]) -> AsyncIterator[T]:
    async for record in walk:
        yield made(record)
