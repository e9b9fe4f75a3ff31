"""Walking through lists that come in pages."""

from collections.abc import AsyncIterator, Awaitable, Callable

from armarium.sdk.ivcap.platform import Page, Record

LARGEST_PAGE = 50

Fetch = Callable[[int, str | None], Awaitable[Page]]
"""Asks for one page: how many at most, and which."""


class Walk:
    """A list, page by page. limit: how many items in all; None walks to the end."""

    def __init__(self, fetch: Fetch, limit: int | None) -> None:
        self._fetch = fetch
        self._left = limit
        self._page: str | None = None
        self._ended = limit is not None and limit <= 0

    async def next_page(self) -> list[Record] | None:
        """The next items; None after the last ones."""
        if self._ended:
            return None
        size = LARGEST_PAGE if self._left is None else min(self._left, LARGEST_PAGE)
        got = await self._fetch(size, self._page)
        items = got.items[:size]
        if self._left is not None:
            self._left -= len(items)
        self._page = got.next
        self._ended = got.next is None or self._left == 0
        return items

    async def __aiter__(self) -> AsyncIterator[Record]:
        while (items := await self.next_page()) is not None:
            for item in items:
                yield item
