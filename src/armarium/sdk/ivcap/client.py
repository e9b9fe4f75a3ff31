"""The client for blocking code: each call waits for what its async twin does."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar

from armarium.sdk.ivcap import membership, uploads
from armarium.sdk.ivcap.environment import DEFAULT_FOLDER
from armarium.sdk.ivcap.listing import Walk
from armarium.sdk.ivcap.local import LocalPlatform
from armarium.sdk.ivcap.markers import Notes
from armarium.sdk.ivcap.objects import Artifact, Aspect, Collection
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
from armarium.sdk.loop import run
from armarium.sdk.progress import Progress

T = TypeVar("T")


class IVCAP:
    """Artifacts, aspects, collections and secrets of one IVCAP service, or of a folder.

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

    def upload_artifact(
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
    ) -> Artifact:
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
        return Artifact(self, **run(uploads.upload(self.platform, wanted)))

    def get_artifact(self, id: str) -> Artifact:
        """Raises IvcapApiError, with status 404 for an artifact that is not there."""
        return Artifact(self, **run(self.platform.artifact(id)))

    def artifact_for_file(self, file_path: str | Path) -> Artifact | None:
        """The artifact a file of this very content was uploaded as from here; None if it was not."""
        urn = Notes(Path(file_path)).complete_urn()
        return None if urn is None else self.get_artifact(urn)

    def list_artifacts(
        self,
        *,
        filter: str | None = None,
        limit: int | None = 10,
        order_by: str | None = None,
        order_desc: bool = False,
        at_time: datetime | None = None,
    ) -> Iterator[Artifact]:
        """limit: how many in all; None for every one. at_time: as of a moment in the past."""
        query = ArtifactQuery(filter=filter, order_by=order_by, order_desc=order_desc, at_time=at_time)
        return _each(artifact_walk(self.platform, query, limit), lambda record: Artifact(self, **record))

    # -- aspects --------------------------------------------------------------------------------------------------

    def add_aspect(self, entity: str, aspect: Any, *, schema: str | None = None, policy: str | None = None) -> Aspect:
        """State something about an entity, beside what is stated already.

        aspect: a dictionary or something with `to_dict()`. schema: its `$schema` if not given.
        Raises MissingParameterValue without a schema.
        """
        schema, content = statement(entity, aspect, schema, policy)
        urn = run(self.platform.add_aspect(entity, schema, content, policy))
        return Aspect(self, **new_aspect(urn, entity, schema, content))

    def update_aspect(
        self, entity: str, aspect: Any, *, schema: str | None = None, policy: str | None = None
    ) -> Aspect:
        """State something in place of the one aspect of this entity and schema; status 424 if there are several."""
        schema, content = statement(entity, aspect, schema, policy)
        urn = run(self.platform.replace_aspect(entity, schema, content, policy))
        return Aspect(self, **new_aspect(urn, entity, schema, content))

    def get_aspect(self, id: str) -> Aspect:
        """An aspect by its URN, also one that no longer holds."""
        return Aspect(self, **run(self.platform.aspect(id)))

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
    ) -> Iterator[Aspect]:
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
        return _each(aspect_walk(self.platform, query, limit), lambda record: Aspect(self, **record))

    def retract_aspect(self, id: str) -> None:
        """Let an aspect hold no longer."""
        run(self.platform.retract_aspect(id))

    # -- collections ----------------------------------------------------------------------------------------------

    def create_collection(
        self, urn: str, name: str, description: str | None = None, policy: str | None = None
    ) -> Collection:
        """Define a collection under a URN of your choice, or give it another name and description."""
        return Collection(self, **run(membership.define(self.platform, urn, name, description, policy)))

    def get_collection(self, urn: str, at_time: datetime | None = None) -> Collection:
        """Raises ResourceNotFound, AmbiguousRequest."""
        return Collection(self, **run(membership.definition(self.platform, urn, at_time)))

    def list_collections(
        self, name_filter: str | None = None, limit: int | None = 10, at_time: datetime | None = None
    ) -> Iterator[Collection]:
        """name_filter: how the name must compare, such as `== "x"`, `starts with "x"` or `like_regex "x" flag "i"`."""
        walk = membership.definitions(self.platform, name_filter, limit, at_time)
        return _each(walk, lambda record: Collection(self, **record))

    def list_collection_items(
        self, urn: str, limit: int | None = 10, at_time: datetime | None = None
    ) -> Iterator[CollectionItem]:
        """What a collection holds, or held at a time. limit: None for all."""
        return _each(membership.members(self.platform, urn, limit, at_time), CollectionItem.of)

    def add_to_collection(
        self, collection: str | Collection, item: str, policy: str | None = None
    ) -> CollectionItem | None:
        """Make a URN a member; None if it is one already."""
        record = run(membership.add(self.platform, _urn(collection), item, policy))
        return None if record is None else CollectionItem.of(record)

    def remove_from_collection(self, collection: str | Collection, item: str) -> bool:
        """End a membership; False if there was none."""
        return run(membership.remove(self.platform, _urn(collection), item))

    def retract_collection(self, collection: str | Collection) -> int:
        """End a collection and all memberships; returns how many aspects were retracted. Raises ResourceNotFound."""
        return run(membership.retract(self.platform, _urn(collection)))

    # -- search and secrets ---------------------------------------------------------------------------------------

    def search(self, query: str, limit: int = 10) -> SearchResult:
        """Ask a Datalog query."""
        return SearchResult.of(run(self.platform.search(query, limit)))

    def list_secrets(self, filter: str | None = None, limit: int | None = 10) -> Iterator[Secret]:
        """Secrets by name, without their values. filter: a regular expression."""
        return _each(secret_walk(self.platform, filter, limit), Secret.of)

    def get_secret(self, name: str, *, secret_type: str | None = None) -> str:
        """The value of a secret."""
        record = run(self.platform.secret(name, secret_type))
        return str(record["secret-value"])

    def set_secret(self, name: str, value: str, *, expiry: int = 0, secret_type: str | None = None) -> None:
        """Keep a secret. expiry: seconds since the epoch, 0 for never."""
        run(self.platform.set_secret(new_secret(name, value, expiry, secret_type)))

    def __repr__(self) -> str:
        return f"<IVCAP {self.url or 'in a folder'}>"


def _urn(collection: str | Collection) -> str:
    return collection if isinstance(collection, str) else collection.urn


def _each(walk: Walk, made: Callable[[Record], T]) -> Iterator[T]:
    """The items of a list. The first page is asked for at once, so that a refusal is raised by the call."""
    first = run(walk.next_page())

    def items() -> Iterator[T]:
        page = first
        while page is not None:
            yield from map(made, page)
            page = run(walk.next_page())

    return items()
