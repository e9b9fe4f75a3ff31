"""The platform without a service: a folder that answers the same questions.

What needs a service (search, secrets, filters) is refused with status 501.
"""

import asyncio
import contextlib
import copy
import functools
import hashlib
import operator
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

from armarium.domain.aspect import ARTIFACT_SCHEMA
from armarium.domain.errors import Invalid
from armarium.domain.json_match import matches
from armarium.domain.json_path import JsonPath, parse_json_path, regexes
from armarium.sdk.ivcap.errors import IvcapApiError, NotAuthorizedException
from armarium.sdk.ivcap.folder import URN_PREFIX, Folder, unfinished_file
from armarium.sdk.ivcap.platform import ArtifactQuery, AspectQuery, NewArtifact, Page, Record, Transfer
from armarium.sdk.ivcap.sources import Source

_ARTIFACT_ORDERS = ("created-at", "id", "last-modified-at", "mime-type", "name", "policy", "size", "status")
_ASPECT_ORDERS = ("entity", "policy", "replaces", "schema", "valid-from", "valid-to")


class LocalPlatform:
    """Everything that reads or writes files does so in a thread."""

    url: str | None = None
    account_id: str | None = None

    def __init__(self, base: str | Path) -> None:
        self._folder = Folder(base)

    async def create(self, new: NewArtifact, size: int | None, key: str) -> Record:
        with _answering("upload_artifact"):
            return await asyncio.to_thread(self._folder.begin, new)

    async def send(self, record: Record, source: Source, transfer: Transfer) -> Record:
        with _answering("upload_artifact"):
            try:
                digest = await _written(source, unfinished_file(record), transfer)
                return await asyncio.to_thread(self._folder.finish, record, digest)
            finally:
                unfinished_file(record).unlink(missing_ok=True)

    async def artifact(self, id: str) -> Record:
        with _answering("artifact_read"):
            return await asyncio.to_thread(self._folder.artifact, id)

    async def artifacts(self, query: ArtifactQuery, limit: int, page: str | None) -> Page:
        _refuse_filter("artifact_list", query.filter)
        field = _order(query.order_by or "created-at", _ARTIFACT_ORDERS, "artifact_list")
        found = await asyncio.to_thread(self._folder.artifacts)
        if query.at_time is not None:
            found = [record for record in found if _moment(record["created-at"]) <= _aware(query.at_time)]
        found.sort(key=lambda record: (_sortable(record.get(field)), record["id"]), reverse=query.order_desc)
        return _page(found, limit, page)

    async def content(self, record: Record, chunk_size: int) -> AsyncIterator[bytes]:
        with _answering("artifact_content"):
            file = await asyncio.to_thread(self._folder.path_of(record["id"]).open, "rb")
        with file:
            while piece := await asyncio.to_thread(file.read, chunk_size):
                yield piece

    async def save(self, record: Record, path: Path) -> None:
        stored = self.stored_file(record["id"])
        unfinished = path.with_name(f".{uuid4()}.part")
        try:
            await asyncio.to_thread(shutil.copyfile, stored, unfinished)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    def stored_file(self, id: str) -> Path:
        """Where the bytes of an artifact are."""
        with _answering("artifact_read"):
            return self._folder.path_of(id)

    async def add_aspect(self, entity: str, schema: str, content: Record, policy: str | None) -> str:
        _refuse_own("add_aspect", entity, schema)
        return await asyncio.to_thread(self._folder.add, entity, schema, content, policy)

    async def replace_aspect(self, entity: str, schema: str, content: Record, policy: str | None) -> str:
        _refuse_own("update_aspect", entity, schema)
        with _answering("update_aspect"):
            return await asyncio.to_thread(self._folder.replace, entity, schema, content, policy)

    async def aspect(self, id: str) -> Record:
        with _answering("aspect"):
            return copy.deepcopy(await asyncio.to_thread(self._folder.aspect, id))

    async def aspects(self, query: AspectQuery, limit: int, page: str | None) -> Page:
        _refuse_filter("aspect_list", query.filter)
        field = _order(query.order_by, _ASPECT_ORDERS, "aspect_list")
        moment = datetime.now(UTC) if query.at_time is None else _aware(query.at_time)
        path = None if query.content_path is None else _parsed(query.content_path)
        found = [
            aspect
            for aspect in await asyncio.to_thread(self._folder.all_aspects)
            if _holds_at(aspect, moment)
            and _answers(aspect, query)
            and (path is None or matches(path, aspect["content"], _found))
        ]
        descending = query.order_direction.upper() == "DESC"
        found.sort(key=lambda aspect: (_sortable(aspect.get(field)), aspect["id"]), reverse=descending)
        if not query.include_content:
            found = [{name: value for name, value in aspect.items() if name != "content"} for aspect in found]
        return copy.deepcopy(_page(found, limit, page))  # the folder remembers what it read

    async def retract_aspect(self, id: str) -> None:
        with _answering("aspect"):
            await asyncio.to_thread(self._folder.retract, id)

    async def search(self, query: str, limit: int) -> Record:
        _needs_a_service("search", "Search")

    async def secrets(self, filter: str | None, limit: int, page: str | None) -> Page:
        _needs_a_service("secret_list", "Keeping secrets")

    async def secret(self, name: str, type: str | None) -> Record:
        _needs_a_service("secret", "Keeping secrets")

    async def set_secret(self, secret: Record) -> None:
        _needs_a_service("set_secret", "Keeping secrets")


async def _written(source: Source, place: Path, transfer: Transfer) -> str:
    """Copy a source to a file; returns the SHA-256 of its bytes, hex."""
    digest, offset = hashlib.sha256(), 0
    with place.open("wb") as file:
        while source.size is None or offset < source.size:
            part = await source.part(offset, transfer.chunk_size)
            async for piece in part.pieces():
                digest.update(piece)
                await asyncio.to_thread(file.write, piece)
                offset += len(piece)
                if transfer.progress is not None:
                    transfer.progress(offset, source.size)
            if part.ends_at == offset:
                break
    return digest.hexdigest()


@contextlib.contextmanager
def _answering(operation: str) -> Iterator[None]:
    """Say what the folder refuses as a service would."""
    try:
        yield
    except KeyError as missing:
        raise IvcapApiError(operation, 404, message=f"'{missing.args[0]}' does not exist.") from None
    except LookupError as several:
        raise IvcapApiError(operation, 424, message=str(several)) from None
    except ValueError as wrong:
        raise IvcapApiError(operation, 400, message=str(wrong)) from None


def _needs_a_service(operation: str, what: str) -> NoReturn:
    raise IvcapApiError(operation, 501, message=f"{what} needs a service; this client works in a folder.")


def _refuse_filter(operation: str, filter: str | None) -> None:
    if filter:
        _needs_a_service(operation, "Filtering")


def _refuse_own(operation: str, entity: str, schema: str) -> None:
    if schema == ARTIFACT_SCHEMA and entity.startswith(URN_PREFIX):
        raise NotAuthorizedException(operation, 403, message="Only the store itself says this of an artifact.")


def _order(given: str, known: tuple[str, ...], operation: str) -> str:
    field = given.replace("_", "-")
    if field not in known:
        raise IvcapApiError(operation, 422, message=f"Cannot order by '{given}'.")
    return field


def _answers(aspect: Record, query: AspectQuery) -> bool:
    if query.entity is not None and aspect["entity"] != query.entity:
        return False
    return query.schema is None or _like(query.schema, aspect["schema"])


def _parsed(content_path: str) -> JsonPath:
    try:
        path = parse_json_path(content_path)
        for regex in regexes(path.root):
            _found(regex.pattern, regex.flags, "")
    except (Invalid, re.error) as wrong:
        raise IvcapApiError("aspect_list", 422, message=f"content-path: {wrong}") from None
    return path


def _found(pattern: str, flags: str, text: str) -> bool:
    """Whether a pattern is somewhere in a text. flags: of `i`, `s`, `m`, and `q` for a pattern that is plain text."""
    if "q" in flags:
        pattern = re.escape(pattern)
    given = [re.RegexFlag[flag.upper()] for flag in flags if flag in "ism"]
    return re.search(pattern, text, functools.reduce(operator.or_, given, re.NOFLAG)) is not None


def _like(pattern: str, text: str) -> bool:
    """Compare with a pattern in which `%` stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("%"))), text, re.DOTALL) is not None


def _holds_at(aspect: Record, moment: datetime) -> bool:
    begins, ends = _moment(aspect["valid-from"]), aspect.get("valid-to")
    return begins <= moment and (ends is None or _moment(ends) > moment)


def _moment(text: str) -> datetime:
    return _aware(datetime.fromisoformat(text))


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is None, 0 if value is None else value)


def _page(found: list[Record], limit: int, page: str | None) -> Page:
    start = int(page or 0)
    end = start + limit
    return Page(found[start:end], str(end) if end < len(found) else None)
