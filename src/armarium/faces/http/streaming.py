"""Bytes in and out over raw ASGI: no framework between the store and the server."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

from starlette.types import Receive, Scope, Send

from armarium.domain.errors import Invalid, TooLarge, Unavailable
from armarium.domain.file import ByteRange, FileEntry
from armarium.domain.media import content_disposition, content_type_header
from armarium.domain.storage_keys import blob_key
from armarium.faces.http import conditional
from armarium.faces.http.conditional import Validators, http_date
from armarium.faces.http.direct_bodies import DirectBody, direct_body
from armarium.faces.http.ranges import UnsatisfiableRangeError, content_range, parse_range
from armarium.ports.blobs import Blobs

Headers = list[tuple[bytes, bytes]]

_WANTED = conditional.HEADERS | {b"range"}
_ALWAYS = ((b"accept-ranges", b"bytes"), (b"x-content-type-options", b"nosniff"))
_EMPTY = (b"content-length", b"0")
_END = {"type": "http.response.body", "body": b"", "more_body": False}

SANDBOXED = ((b"content-security-policy", b"sandbox"), (b"cache-control", b"private, no-cache"))
"""A page somebody uploaded must not act with the rights of whoever opens it here, nor stay in a shared cache."""


async def send_blob(
    scope: Scope,
    receive: Receive,
    send: Send,
    blobs: Blobs,
    key: str,
    *,
    size_bytes: int,
    etag: str,
    modified_at: float,
    content_type: str,
    filename: str | None = None,
    inline: bool = True,
    extra_headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Answer a GET or HEAD for a blob, as `send_content` does."""
    await send_content(
        scope,
        receive,
        send,
        partial(blobs.open, key),
        size_bytes=size_bytes,
        etag=etag,
        modified_at=modified_at,
        content_type=content_type,
        filename=filename,
        inline=inline,
        extra_headers=extra_headers,
    )


async def send_content(
    scope: Scope,
    receive: Receive,
    send: Send,
    open_span: Callable[[ByteRange], AsyncGenerator[bytes, None]],
    *,
    size_bytes: int,
    etag: str,
    modified_at: float,
    content_type: str,
    filename: str | None = None,
    inline: bool = True,
    extra_headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Answer a GET or HEAD for bytes: whole, a range of them, or 304, 412 and 416 without them.

    open_span: yields a span of the bytes; called at most once, and not for nothing.
    etag: strong, without quotes. filename: offered when the client saves the file.
    receive: watched while a large file is sent, so that a client who leaves stops the reading.
    Raises what the store raises; NotFound always before the response has started.
    """
    have = Validators(etag=etag, modified_at=modified_at)
    headers = [(b"etag", have.entity_tag), (b"last-modified", http_date(modified_at)), *_ALWAYS, *extra_headers]
    asked = {name: value for name, value in scope["headers"] if name in _WANTED}
    status, span = _verdict(scope["method"], asked, have, size_bytes) if asked else (200, None)
    if status == 416:
        headers.append((b"content-range", content_range(None, size_bytes)))
    if status in (304, 412, 416):
        await _send_nothing(send, status, headers if status == 304 else [*headers, _EMPTY])
        return
    headers += described(content_type, filename, inline=inline)
    if span is not None:
        headers.append((b"content-range", content_range(span, size_bytes)))
    length = span.length if span else size_bytes
    headers.append((b"content-length", b"%d" % length))
    if scope["method"] == "HEAD" or length == 0:
        await _send_nothing(send, status, headers)
        return
    async with aclosing(open_span(span or ByteRange(0, size_bytes - 1))) as chunks:
        await _send_chunks(receive, send, status, headers, chunks, length)


async def send_file(scope: Scope, receive: Receive, send: Send, blobs: Blobs, entry: FileEntry) -> None:
    """Answer GET or HEAD with a file somebody uploaded."""
    await send_blob(
        scope,
        receive,
        send,
        blobs,
        blob_key(entry.blob_id),
        size_bytes=entry.size_bytes,
        etag=entry.blob_id,
        modified_at=entry.modified_at,
        content_type=entry.content_type,
        filename=entry.path,
        extra_headers=SANDBOXED,
    )


def _verdict(
    method: str, asked: Mapping[bytes, bytes], have: Validators, size_bytes: int
) -> tuple[int, ByteRange | None]:
    """Return the status and, for 206, the span."""
    refused = conditional.refusal(asked, have)
    if refused is not None:
        return refused, None
    if method != "GET" or b"range" not in asked or not conditional.range_holds(asked, have):
        return 200, None
    try:
        span = parse_range(asked[b"range"].decode("latin-1"), size_bytes)
    except UnsatisfiableRangeError:
        return 416, None
    return (200, None) if span is None else (206, span)


async def _send_nothing(send: Send, status: int, headers: Headers) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send(_END)


async def _send_chunks(
    receive: Receive, send: Send, status: int, headers: Headers, chunks: AsyncGenerator[bytes, None], length: int
) -> None:
    """Send the head with the first chunk in hand, so that a missing blob can still be a clean error."""
    chunk = await anext(chunks, b"")
    if not chunk:
        raise Unavailable("The stored bytes end too early.")
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if len(chunk) == length:
        await send({"type": "http.response.body", "body": chunk, "more_body": False})
        return
    gone = asyncio.create_task(_departure(receive))
    try:
        while chunk and not gone.done():
            length -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": length > 0})
            chunk = await anext(chunks, b"")
    finally:
        gone.cancel()
    if length > 0 and not gone.done():
        raise Unavailable("The stored bytes end too early.")


async def _departure(receive: Receive) -> None:
    """Return when the client is gone: servers drop what is sent to nobody without a word."""
    while (await receive())["type"] != "http.disconnect":
        pass


def described(content_type: str, filename: str | None, *, inline: bool) -> Headers:
    """The headers that say what the body is and what to do with it."""
    headers = [(b"content-type", content_type_header(content_type).encode("latin-1"))]
    if filename is not None or not inline:
        headers.append((b"content-disposition", content_disposition(filename, inline=inline).encode()))
    return headers


def request_body(scope: Scope, receive: Receive) -> AsyncIterator[bytes]:
    """The request body as it arrives; a long one can also fill memory, see `ports.blobs.FillsMemory`."""
    direct = direct_body(scope)
    return _LongBody(receive, direct) if direct is not None else body_chunks(receive)


class _LongBody:
    """A body for those who take it chunk by chunk, and for those who have memory ready."""

    def __init__(self, receive: Receive, direct: DirectBody) -> None:
        self.fill = direct.fill
        self._chunks = body_chunks(receive)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def __anext__(self) -> bytes:
        return await anext(self._chunks)


async def body_chunks(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the request body as it arrives; raises Invalid if the client leaves before its end."""
    more = True
    while more:
        message: dict[str, Any] = dict(await receive())
        if message["type"] == "http.disconnect":
            raise Invalid("body", "The connection was closed before the whole body had arrived.")
        if body := message.get("body", b""):
            yield body
        more = message.get("more_body", False)


async def arrived_chunks(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the request body as far as it arrives: for who keeps what came before the client left."""
    more = True
    while more:
        message: dict[str, Any] = dict(await receive())
        if body := message.get("body", b""):
            yield body
        more = message.get("more_body", False)  # not there when the client has left


async def read_body(receive: Receive, limit_bytes: int) -> bytes:
    """Return the whole request body; raises TooLarge as soon as it is over the limit."""
    body = bytearray()
    async for chunk in body_chunks(receive):
        body += chunk
        if len(body) > limit_bytes:
            raise TooLarge(f"The request body is larger than the {limit_bytes} bytes allowed.")
    return bytes(body)
