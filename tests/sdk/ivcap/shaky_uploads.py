"""An upload service for one artifact that breaks off where it is told to: a good service cannot be asked for that."""

from collections.abc import Sequence

from aiohttp import web

WHOLE = -1


class ShakyUploads:
    """Keeps bytes by offset.

    breaks: after how many bytes the first, second, ... PATCH is cut off; WHOLE takes all of it and loses the reply.
    refuses: statuses that the first, second, ... PATCH after those are answered with.
    """

    def __init__(self, *, breaks: Sequence[int] = (), refuses: Sequence[int] = ()) -> None:
        self.content = bytearray()
        self.declared: int | None = None
        self.patches: list[dict[str, str]] = []
        self.breaks = list(breaks)
        self.refuses = list(refuses)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.method == "POST":
            length = int(request.headers["X-Content-Length"])
            self.declared = None if length < 0 else length
            return web.json_response(self.record, status=201)
        if request.method == "GET":
            return web.json_response(self.record)
        if request.method == "HEAD":
            return web.Response(headers={"Upload-Offset": str(len(self.content))})
        return await self._patch(request)

    @property
    def record(self) -> dict[str, object]:
        done = self.declared == len(self.content)
        status = "ready" if done else "partial" if self.content else "pending"
        return {"id": "urn:ivcap:artifact:1", "status": status, "links": [], "data-href": "/blob?signed=yes"}

    async def _patch(self, request: web.Request) -> web.StreamResponse:
        self.patches.append(dict(request.headers))
        if int(request.headers["Upload-Offset"]) != len(self.content):
            return web.Response(status=409, headers={"Upload-Offset": str(len(self.content))})
        if self.breaks:
            await self._break_off(request, self.breaks.pop(0))
        elif self.refuses:
            await request.read()
            return web.json_response({"message": "not now"}, status=self.refuses.pop(0))
        else:
            self.content += await request.read()
        if "Upload-Length" in request.headers:
            self.declared = int(request.headers["Upload-Length"])
        return web.Response(status=204, headers={"Upload-Offset": str(len(self.content))})

    async def _break_off(self, request: web.Request, after: int) -> None:
        arrived = await request.read() if after == WHOLE else await _some(request, after)
        self.content += arrived
        assert request.transport is not None
        request.transport.close()


async def _some(request: web.Request, most: int) -> bytes:
    taken = b""
    while len(taken) < most and (piece := await request.content.read(most - len(taken))):
        taken += piece
    return taken
