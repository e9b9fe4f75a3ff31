"""A loopback service that misbehaves on demand: what a good server never does cannot be tested with one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Serve every path with one handler; yields the base URL."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


class Breaking:
    """Serves some bytes with ranges, and hangs up in the first answers.

    breaks: after how many bytes the first, second, ... answer ends; later ones are whole.
    ranges: the Range header of each request, as it came.
    """

    def __init__(self, content: bytes, *, breaks: Sequence[int] = (), etag: str | None = '"v1"') -> None:
        self.content = content
        self.breaks = list(breaks)
        self.etag = etag
        self.ranges: list[str | None] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        same = request.headers.get("If-Range") == self.etag
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and same else 0
        rest = self.content[start:]
        headers = {"Content-Length": str(len(rest))}
        if self.etag is not None:
            headers["ETag"] = self.etag
        if asked and same:
            headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        response = web.StreamResponse(status=206 if asked and same else 200, headers=headers)
        await response.prepare(request)
        if self.breaks:
            await response.write(rest[: self.breaks.pop(0)])
            await asyncio.sleep(0.02)
            assert request.transport is not None
            request.transport.close()
        else:
            await response.write(rest)
        return response
