"""The REST API of dataforce, as one asks it for values."""

import uuid
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from armarium.sdk.dataforce.errors import APIResponseValidationError, MultipleResourcesFoundError, Request, api_error
from armarium.sdk.transport import Answer, Transport

T = TypeVar("T")

ORGANIZATIONS = "/v1/users/me/organizations"
_PAGE_LIMIT = 100


class Api:
    """One server and one key."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self._transport = Transport(
            base_url,
            failed=api_error,
            headers={"Authorization": f"Bearer {api_key}", "Accept": "application/json"},
        )

    @property
    def base_url(self) -> str:
        return self._transport.base_url

    async def get(self, path: str, kind: type[T], query: Mapping[str, Any] | None = None) -> T:
        return _decoded(await self._transport.call("GET", path, query=query), kind, "GET", path)

    async def list(self, path: str, kind: type[T]) -> list[T]:
        """All items of a list that comes in pages, oldest first."""
        items: list[T] = []
        cursor: str | None = None
        while True:
            query = {"limit": _PAGE_LIMIT, "sort_by": "created_at", "order": "asc", "cursor": cursor}
            page = await self.get(path, _Page, query)
            items += [_converted(item, kind, path) for item in page.items]
            if page.cursor is None:
                return items
            cursor = page.cursor

    async def send(self, method: str, path: str, kind: type[T], values: Mapping[str, Any]) -> T:
        """Create or change something; returns what it is now."""
        return _decoded(await self._transport.call(method, path, json=values), kind, method, path)

    async def delete(self, path: str) -> None:
        await self._transport.call("DELETE", path)


class _Page(msgspec.Struct):
    items: list[Any]
    cursor: str | None = None


def part(id: str) -> str:
    """An id as one part of a path."""
    return quote(id, safe="")


def as_id(value: str) -> str | None:
    """A UUID however it is written, in its usual form; None if it is none, so that it must be a name."""
    try:
        return str(uuid.UUID(value))
    except ValueError:
        return None


def given(**values: Any) -> dict[str, Any]:
    """The values that are not None: those that are to change."""
    return {name: value for name, value in values.items() if value is not None}


def only(matches: list[T], value: str) -> T | None:
    """The one that has a name; None if nothing has it."""
    if len(matches) > 1:
        raise MultipleResourcesFoundError(f"Multiple items found with name or id '{value}'. Use the id instead.")
    return matches[0] if matches else None


def _decoded(answer: Answer, kind: type[T], method: str, path: str) -> T:
    try:
        return answer.into(kind)
    except msgspec.DecodeError as error:
        raise _unexpected(method, path, error) from error


def _converted(item: Any, kind: type[T], path: str) -> T:
    try:
        return msgspec.convert(item, kind)
    except msgspec.ValidationError as error:
        raise _unexpected("GET", path, error) from error


def _unexpected(method: str, path: str, error: Exception) -> APIResponseValidationError:
    message = f"The answer to {method} {path} is not what it should be: {error}"
    return APIResponseValidationError(message, Request(method=method, url=path))
