"""The `Idempotency-Key` header: the same request with the same key is done once and answered the same.

Source: IETF draft "The Idempotency-Key HTTP Header Field". Docs: docs/reference/http.md.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from armarium.core.idempotency import CLAIM_SECONDS, Claim, Idempotency, fingerprint_of
from armarium.domain.errors import ArmariumError, Invalid
from armarium.domain.principal import Principal
from armarium.faces.http.streaming import read_body
from armarium.ports.requests import KeptAnswer

RESOURCE_ID = "armarium.resource_id"
"""Where a scope holds the id of what a claimed request makes."""

_HEADER = b"idempotency-key"
_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_PASSING = frozenset({401, 403, 408, 409, 429})
"""Refusals that say nothing about the request itself, so the next try may be answered otherwise."""
_UNKEPT_HEADERS = frozenset({b"content-length", b"x-request-id"})

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


class BadKey(Invalid):
    """An `Idempotency-Key` nobody can use."""

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", "Send one Idempotency-Key of 1 to 255 printable ASCII characters.")


def key_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The key of a request, bare or as a quoted string, which mean the same; None without one. Raises BadKey."""
    given = [value.decode("latin-1").strip() for name, value in headers if name == _HEADER]
    if not given:
        return None
    key = given[0]
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = re.sub(r'\\(["\\])', r"\1", key[1:-1])
    if len(given) > 1 or not _KEY.fullmatch(key):
        raise BadKey
    return key


class Once:
    """Does requests of one operation once for each key.

    tell: errors in the words of the door, which are kept like any answer.
    operation: method and path, whose parameters are filled in. max_body_bytes: None where a body streams, which is
    then told from others by its length and type.
    """

    def __init__(
        self,
        idempotency: Idempotency,
        operation: str,
        tell: Callable[[ArmariumError], Response],
        *,
        max_body_bytes: int | None,
    ) -> None:
        self._idempotency = idempotency
        self._operation = operation
        self._tell = tell
        self._max_body_bytes = max_body_bytes

    async def __call__(
        self, handler: Handler, key: str, who: Principal, scope: Scope, receive: Receive, send: Send
    ) -> None:
        body, receive = await self._body(scope, receive)
        operation = self._operation.format(**scope["path_params"])
        begun = await self._idempotency.begin(who, key, operation, fingerprint_of(scope["query_string"], body))
        if isinstance(begun, KeptAnswer):
            await _replay(begun)(scope, receive, send)
            return
        answer = _Captured()
        async with self._kept_alive(begun):
            await self._do(handler, {**scope, RESOURCE_ID: begun.resource_id}, receive, answer)
        if answer.is_final:
            await self._idempotency.keep(begun, answer.status, answer.headers, bytes(answer.body))
        else:
            await self._idempotency.release(begun)
        for message in answer.messages:
            await send(message)

    async def _body(self, scope: Scope, receive: Receive) -> tuple[bytes, Receive]:
        """What tells this request from others, and a way to read the body all the same."""
        if self._max_body_bytes is None:
            told = {name: value for name, value in scope["headers"] if name in (b"content-length", b"content-type")}
            return repr(sorted(told.items())).encode(), receive
        body = await read_body(receive, self._max_body_bytes)
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def again() -> Message:
            return next(messages, None) or await receive()

        return body, again

    async def _do(self, handler: Handler, scope: Scope, receive: Receive, answer: "_Captured") -> None:
        try:
            await handler(scope, receive, answer)
        except ArmariumError as error:
            await self._tell(error)(scope, receive, answer)

    @contextlib.asynccontextmanager
    async def _kept_alive(self, claim: Claim) -> AsyncIterator[None]:
        """Renew the claim while the request runs; one that breaks off unforeseen is given free."""
        heart = asyncio.create_task(self._beat(claim))
        try:
            yield
        except BaseException:
            await asyncio.shield(self._idempotency.release(claim))
            raise
        finally:
            heart.cancel()

    async def _beat(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(CLAIM_SECONDS / 3)
            with contextlib.suppress(ArmariumError):
                await self._idempotency.renew(claim)


class _Captured:
    """Takes an answer as a server would, and holds it until it is kept."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.status = 500
        self.headers: dict[str, str] = {}
        self.body = bytearray()

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            kept = [(name, value) for name, value in message["headers"] if name not in _UNKEPT_HEADERS]
            self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in kept}
        else:
            self.body += message.get("body", b"")

    @property
    def is_final(self) -> bool:
        """Whether doing the request again would be answered the same."""
        return 200 <= self.status < 500 and self.status not in _PASSING


def _replay(kept: KeptAnswer) -> Response:
    return Response(kept.body, status_code=kept.status, headers={**kept.headers, "idempotency-replayed": "true"})
