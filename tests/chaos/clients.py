"""One client among many: picks something to do, does it, writes down what it was told."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp

from tests.chaos.history import History, Sent, View

COLLECTIONS = ("shelf-0", "shelf-1")
BOXES = ("box-0", "box-1", "box-2")
"""Written into and committed again and again, by everybody; a commit waits for the uploads into the first."""
LOGS = ("log-0", "log-1")
"""Edited as new versions, by everybody."""

_SECONDS = 30.0
_EXPECTED = {400, 404, 409, 503}
"""Not staged, gone, taken, or not at the moment: what may be said when others are at work."""


class UnknownOutcomeError(Exception):
    """The server went away before it answered: it may have happened or not."""


class RefusedError(Exception):
    """The server said no, so it did not happen."""


async def _insist(do: Callable[[], Awaitable[Any]]) -> Any:
    """Do again what does no harm twice, until there is an answer."""
    for _ in range(100):
        try:
            return await do()
        except UnknownOutcomeError:
            await asyncio.sleep(0.1)
    raise UnknownOutcomeError


class Client:
    """Acts through whichever server process takes its connection; each request has one of its own."""

    def __init__(self, number: int, session: aiohttp.ClientSession, urls: list[str], history: History) -> None:
        self._number = number
        self._session = session
        self._urls = urls
        self._history = history
        self._random = random.Random(number)
        self._count = 0
        self._mine: list[str] = []

    async def act_until(self, end: float) -> None:
        actions = (
            self._create, self._create, self._delete, self._race, self._write, self._write, self._upload,
            self._commit, self._edit, self._read, self._read,
        )  # fmt: skip
        while time.monotonic() < end:
            try:
                await self._random.choice(actions)()
                self._history.acknowledged += 1
            except UnknownOutcomeError:
                self._history.unknown += 1
                await asyncio.sleep(0.05)
            except RefusedError as error:
                self._history.refused[str(error)[:60]] += 1

    # what a client does

    async def _create(self) -> None:
        alias = self._fresh("child")
        manifest = {"name": alias, "by": self._number}
        self._history.maybe_created.add(alias)
        parent = self._random.choice(COLLECTIONS)
        try:
            await self._call("create", alias=alias, parent_id=parent, manifest=manifest)
        except RefusedError:
            self._history.maybe_created.discard(alias)
            raise
        self._history.created[alias] = manifest
        self._mine.append(alias)

    async def _delete(self) -> None:
        if not self._mine:
            return
        alias = self._mine.pop()
        del self._history.created[alias]  # from here on nobody knows, until there is an answer
        await self._call("delete", artifact_id=alias)
        self._history.maybe_created.discard(alias)
        self._history.deleted.add(alias)

    async def _race(self) -> None:
        """Ask for an alias that many others ask for at the same moment."""
        alias = f"race-{int(time.monotonic() * 4)}"
        me = self._fresh("racer")
        await self._call("create", alias=alias, manifest={"name": me})
        self._history.races[alias].append(me)

    async def _write(self) -> None:
        box, path, content = self._a_file(BOXES[1:])
        await _insist(lambda: self._staged(box, "write_file", file_path=path, content=content.decode()))
        self._history.sent.append(Sent(box, path, content))

    async def _upload(self) -> None:
        """Ask for a URL and put bytes there, both with whichever process comes next, until one says that it has them.

        Who gives up half-way would leave a path that waits for its bytes, and nobody could commit.
        """
        box, path, content = self._a_file(BOXES[:1])
        url = await _insist(lambda: self._staged(box, "put_file", file_path=path))
        await _insist(lambda: self._request("PUT", self._elsewhere(url), data=content))
        self._history.sent.append(Sent(box, path, content))

    async def _commit(self) -> None:
        box = self._random.choice(BOXES)
        committed = await self._call("commit", artifact_id=box)
        self._history.labels[box].append(committed["versions"][-1]["version"])

    async def _edit(self) -> None:
        log, comment = self._random.choice(LOGS), self._fresh("edit")
        self._history.maybe_edits[log].add(comment)
        try:
            await self._call("edit", artifact_id=log, manifest={"name": comment}, version="new", comment=comment)
        except RefusedError:
            self._history.maybe_edits[log].discard(comment)
            raise
        self._history.edits[log].append(comment)

    async def _read(self) -> None:
        name = self._random.choice((*LOGS, *COLLECTIONS))
        self._history.attempted_views[name] += 1
        _, process = await self._ask("read", artifact_id=name)
        self._history.views.append(View(name, process, time.monotonic()))

    # how

    def _fresh(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._number}-{self._count}"

    def _a_file(self, boxes: Sequence[str]) -> tuple[str, str, bytes]:
        box, path = self._random.choice(boxes), f"{self._fresh('f')}.txt"
        content = f"{path} {self._random.random()}".encode() * self._random.choice((1, 1, 2000))
        self._history.maybe_sent[box, path] = content
        return box, path, content

    async def _staged(self, box: str, function: str, **arguments: Any) -> Any:
        """Call a function that needs an open draft; open one where somebody has just committed the last."""
        for _ in range(5):
            try:
                return await self._call(function, artifact_id=box, **arguments)
            except RefusedError as error:
                if "staging mode" not in str(error):
                    raise
            await self._call("edit", artifact_id=box, stage=True, version="new")
        raise RefusedError("never staged")

    def _elsewhere(self, url: str) -> str:
        """The same resource at any of the servers."""
        path = url.partition("://")[2].partition("/")[2]
        return f"{self._random.choice(self._urls)}/{path}"

    async def _call(self, function: str, **arguments: Any) -> Any:
        return (await self._ask(function, **arguments))[0]

    async def _ask(self, function: str, **arguments: Any) -> tuple[Any, str]:
        """The answer of a function of the artifact manager, and which process gave it."""
        url = f"{self._random.choice(self._urls)}/public/services/artifact-manager/{function}"
        return await self._request("POST", url, json=arguments)

    async def _request(self, method: str, url: str, **options: Any) -> tuple[Any, str]:
        try:
            async with asyncio.timeout(_SECONDS), self._session.request(method, url, **options) as answer:
                process = answer.headers["x-request-id"].partition("-")[0]
                body = await answer.json(content_type=None) if method == "POST" else await answer.text()
        except (aiohttp.ClientError, ConnectionError):
            raise UnknownOutcomeError from None
        except TimeoutError:
            self._history.wrong.append(f"{method} {url.rpartition('/')[2]}: no answer in {_SECONDS} s")
            raise UnknownOutcomeError from None
        self._history.last_answer[process] = time.monotonic()
        if answer.status == 200:
            return body, process
        if answer.status not in _EXPECTED:
            self._history.wrong.append(f"{method} {url.rpartition('/')[2]}: {answer.status} {str(body)[:300]}")
        if answer.status >= 500:  # a change that could not be kept for sure
            raise UnknownOutcomeError
        raise RefusedError(str(body.get("detail") if isinstance(body, dict) else body))
