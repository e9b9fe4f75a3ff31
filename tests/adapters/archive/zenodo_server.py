"""A small Zenodo on loopback: it speaks the deposit API over real HTTP, in a thread, and fails when told to."""

import asyncio
import hashlib
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from aiohttp import web

TOKEN = "a-token-that-must-not-leak"
KEPT_BYTES = 1 << 20
"""Of larger files only size and checksum are kept."""


class Stored(NamedTuple):
    """A file as the server has it."""

    id: str
    size: int
    md5: str
    content: bytes | None


class Failure:
    """What goes wrong with some requests. how: a status, or one of `hang cut cut-after half corrupt redirect echo`."""

    def __init__(self, pattern: str, how: int | str, times: int) -> None:
        self.pattern = re.compile(pattern)
        self.how = how
        self.left = times


class Zenodo:
    """The server and all it knows; tests may look at everything."""

    def __init__(self) -> None:
        self.url = ""
        self.depositions: dict[int, dict[str, Any]] = {}
        self.files: dict[str, dict[str, Stored]] = {}
        self.requests: list[str] = []
        self.failures: list[Failure] = []
        self.forbids_second_draft = False
        self._next = 1000

    def fail(self, pattern: str, how: int | str, times: int = 1) -> None:
        """Let requests that match (`METHOD /path`, as a regular expression) go wrong, the next ones first."""
        self.failures.append(Failure(pattern, how, times))

    def count(self, pattern: str) -> int:
        return sum(re.search(pattern, line) is not None for line in self.requests)

    def files_of(self, number: int | str) -> dict[str, Stored]:
        return self.files[self.depositions[int(number)]["bucket"]]

    def contents(self, number: int | str) -> dict[str, bytes | None]:
        return {name: stored.content for name, stored in self.files_of(number).items()}

    # what it keeps

    def make(self, concept: int | None = None) -> dict[str, Any]:
        self._next += 2
        number, bucket = self._next, str(uuid.uuid4())
        self.files[bucket] = {}
        self.depositions[number] = {
            "id": number,
            "concept": concept or number - 1,
            "submitted": False,
            "metadata": {},
            "bucket": bucket,
        }
        return self.depositions[number]

    def described(self, kept: dict[str, Any]) -> dict[str, Any]:
        base = f"{self.url}/api/deposit/depositions/{kept['id']}"
        links = {"self": base, "bucket": f"{self.url}/api/files/{kept['bucket']}", "html": f"{self.url}/deposit/x"}
        draft = self._draft_of(kept["concept"])
        if draft is not None:
            links["latest_draft"] = f"{self.url}/api/deposit/depositions/{draft['id']}"
        done = kept["submitted"]
        described = {
            "id": kept["id"],
            "conceptrecid": str(kept["concept"]),
            "submitted": done,
            "state": "done" if done else "unsubmitted",
            "metadata": kept["metadata"],
            "links": links,
            "files": [{"filename": name} for name in self.files[kept["bucket"]]],
        }
        return {**described, "doi": f"10.5072/zenodo.{kept['id']}", "record_id": kept["id"]} if done else described

    def _draft_of(self, concept: int) -> dict[str, Any] | None:
        drafts = [kept for kept in self.depositions.values() if kept["concept"] == concept and not kept["submitted"]]
        return drafts[-1] if drafts else None

    # what it answers

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 40, middlewares=[self._gate])
        one = "/api/deposit/depositions/{id:[0-9]+}"
        app.router.add_post("/api/deposit/depositions", self._create)
        app.router.add_get(one, self._get)
        app.router.add_put(one, self._describe)
        app.router.add_delete(one, self._discard)
        app.router.add_get(f"{one}/files", self._list)
        app.router.add_delete(f"{one}/files/{{file}}", self._remove)
        app.router.add_post(f"{one}/actions/publish", self._publish)
        app.router.add_post(f"{one}/actions/newversion", self._new_version)
        app.router.add_put("/api/files/{bucket}/{key:.+}", self._put)
        return app

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        line = f"{request.method} {request.path}"
        self.requests.append(f"{line}?{request.query_string}" if request.query_string else line)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if TOKEN not in (token, request.query.get("access_token")):
            return refusal(401, "The server could not verify that you are authorized.")
        failure = next((each for each in self.failures if each.left and each.pattern.search(line)), None)
        if failure is None:
            return await handler(request)
        failure.left -= 1
        return await self._go_wrong(request, handler, failure.how)

    async def _go_wrong(self, request: web.Request, handler: Any, how: int | str) -> web.StreamResponse:
        if isinstance(how, int):
            return refusal(how, f"Injected, says the server to {request.headers['Authorization']}.")
        match how:
            case "hang":
                await asyncio.sleep(3600)
            case "cut-after":
                await handler(request)
            case "half":
                await request.content.readany()
            case "redirect":
                return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/elsewhere"})
            case "corrupt":
                await handler(request)
                return web.json_response({"checksum": f"md5:{'0' * 32}", "size": 1})
            case "echo":
                return web.json_response({"id": 7, "token": TOKEN, "links": {"x": f"?access_token={TOKEN}"}})
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    def _kept(self, request: web.Request) -> dict[str, Any]:
        kept = self.depositions.get(int(request.match_info["id"]))
        if kept is None:
            raise web.HTTPNotFound(text='{"status": 404, "message": "gone"}', content_type="application/json")
        return kept

    async def _create(self, request: web.Request) -> web.Response:
        return web.json_response(self.described(self.make()), status=201)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self.described(self._kept(request)))

    async def _describe(self, request: web.Request) -> web.Response:
        kept = self._kept(request)
        if kept["submitted"]:
            return refusal(403, "This deposition is published.")
        metadata = (await request.json())["metadata"]
        wrong = [{"field": f"metadata.{name}", "message": "Missing data for required field."}
                 for name in ("title", "description", "creators", "upload_type") if not metadata.get(name)]  # fmt: skip
        if wrong:
            return web.json_response({"status": 400, "message": "Validation error.", "errors": wrong}, status=400)
        kept["metadata"] = metadata
        return web.json_response(self.described(kept))

    async def _discard(self, request: web.Request) -> web.Response:
        kept = self._kept(request)
        if kept["submitted"]:
            return refusal(403, "This deposition is published.")
        del self.depositions[kept["id"]]
        return web.Response(status=204)

    async def _list(self, request: web.Request) -> web.Response:
        files = self.files[self._kept(request)["bucket"]]
        return web.json_response(
            [
                {"id": stored.id, "filename": name, "filesize": stored.size, "checksum": stored.md5}
                for name, stored in files.items()
            ]
        )

    async def _remove(self, request: web.Request) -> web.Response:
        files = self.files[self._kept(request)["bucket"]]
        name = next((name for name, stored in files.items() if stored.id == request.match_info["file"]), None)
        if name is None:
            return refusal(404, "No such file.")
        del files[name]
        return web.Response(status=204)

    async def _publish(self, request: web.Request) -> web.Response:
        kept = self._kept(request)
        if kept["submitted"] or not self.files[kept["bucket"]]:
            return refusal(400, "Validation error: no files, or published already.")
        kept["submitted"] = True
        return web.json_response(self.described(kept), status=202)

    async def _new_version(self, request: web.Request) -> web.Response:
        kept = self._kept(request)
        if not kept["submitted"]:
            return refusal(403, "Not published.")
        draft = self._draft_of(kept["concept"])
        if draft is not None and self.forbids_second_draft:
            return refusal(400, "There is a draft already.")
        if draft is None:
            draft = self.make(kept["concept"])
            self.files[draft["bucket"]] = dict(self.files[kept["bucket"]])
        return web.json_response(self.described(kept), status=201)

    async def _put(self, request: web.Request) -> web.Response:
        digest, size, kept = hashlib.md5(), 0, bytearray()
        async for chunk in request.content.iter_chunked(1 << 18):
            digest.update(chunk)
            size += len(chunk)
            if size <= KEPT_BYTES:
                kept += chunk
        if size != int(request.headers["Content-Length"]):
            return refusal(400, "Incomplete.")
        content = bytes(kept) if size <= KEPT_BYTES else None
        stored = Stored(str(uuid.uuid4()), size, digest.hexdigest(), content)
        self.files[request.match_info["bucket"]][request.match_info["key"]] = stored
        return web.json_response(
            {"key": request.match_info["key"], "size": size, "checksum": f"md5:{stored.md5}"}, status=201
        )


def refusal(status: int, message: str) -> web.Response:
    return web.json_response({"status": status, "message": message}, status=status)


@contextmanager
def running_zenodo() -> Iterator[Zenodo]:
    """Serve on a free port of loopback until the block ends."""
    zenodo, loop = Zenodo(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(zenodo.app(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        zenodo.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield zenodo
    finally:
        asyncio.run_coroutine_threadsafe(_stop(runner), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _stop(runner: web.AppRunner) -> None:
    await runner.cleanup()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
