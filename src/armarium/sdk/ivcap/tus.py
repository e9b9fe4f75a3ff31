"""Sending bytes to an artifact by offset (tus 1.0), and going on after a failure from where the service stands.

Source: protocols/ivcap.md, section 4.2; https://tus.io/protocols/resumable-upload
"""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from armarium.sdk.ivcap.errors import IvcapApiError, UploadFailed
from armarium.sdk.ivcap.platform import Transfer
from armarium.sdk.ivcap.sources import Part, Source
from armarium.sdk.progress import Progress
from armarium.sdk.transport import Answer, Transport

VERSION = "1.0.0"
_SILENCE_SECONDS = 300.0  # after the last byte a service may have gigabytes to put away before it answers


class Target(NamedTuple):
    """Where bytes go. has_some: the service may hold bytes of an earlier try."""

    transport: Transport
    path: str
    artifact_id: str
    has_some: bool


async def send(target: Target, source: Source, transfer: Transfer) -> None:
    """Send what the service lacks.

    Raises UploadFailed after more than `transfer.retries` failures without a byte between them.
    """
    sending = _Sending(target, source, transfer)
    failures = reached = 0
    while not sending.complete:
        try:
            await sending.next()
            if sending.offset > reached:
                failures, reached = 0, sending.offset
        except IvcapApiError as refused:
            failures += 1
            sending.offset_is_known = False
            if failures > transfer.retries or not refused.may_succeed_later:
                raise UploadFailed(refused, target.artifact_id, sending.offset) from refused
            await asyncio.sleep(transfer.retry_delay)


class _Sending:
    """An upload under way. offset: how many bytes the service is known to hold."""

    def __init__(self, target: Target, source: Source, transfer: Transfer) -> None:
        self.offset = 0
        self.offset_is_known = not target.has_some
        self.complete = False
        self._target = target
        self._source = source
        self._transfer = transfer

    async def next(self) -> None:
        """One request: ask where the service stands, or send the next part."""
        if self.offset_is_known:
            await self._send()
        else:
            await self._ask()

    async def _ask(self) -> None:
        headers = {"Tus-Resumable": VERSION}
        answer = await self._target.transport.call("HEAD", self._target.path, headers=headers)
        self.offset = _offset(answer)
        self.offset_is_known = True
        self.complete = self.offset == self._source.size

    async def _send(self) -> None:
        part = await self._source.part(self.offset, self._transfer.chunk_size)
        answer = await self._target.transport.call(
            "PATCH",
            self._target.path,
            body=self._watched(part),
            headers=self._headers(part),
            timeout_seconds=_SILENCE_SECONDS,
        )
        self.offset = _offset(answer)
        self.complete = self.offset == part.ends_at
        self._tell(self.offset)

    def _headers(self, part: Part) -> dict[str, str]:
        headers = {
            "Tus-Resumable": VERSION,
            "Upload-Offset": str(self.offset),
            "Content-Type": "application/offset+octet-stream",
        }
        if self._source.size is not None:
            return headers
        # Said in so many words, the service need not guess which part is the last.
        if part.ends_at is None:
            return headers | {"Upload-Defer-Length": "1"}
        return headers | {"Upload-Length": str(part.ends_at)}

    def _watched(self, part: Part) -> Part:
        progress = self._transfer.progress
        return part if progress is None else _Watched(part, progress, self.offset)

    def _tell(self, stored: int) -> None:
        if self._transfer.progress is not None:
            self._transfer.progress(stored, self._source.size)


class _Watched:
    """A part that tells how far it is."""

    repeatable = False

    def __init__(self, part: Part, progress: Progress, offset: int) -> None:
        self.length = part.length
        self.ends_at = part.ends_at
        self._part = part
        self._progress = progress
        self._offset = offset

    async def pieces(self) -> AsyncIterator[bytes]:
        sent = self._offset
        async for piece in self._part.pieces():
            yield piece
            sent += len(piece)
            self._progress(sent, self.ends_at)


def _offset(answer: Answer) -> int:
    try:
        return int(answer.headers["upload-offset"])
    except (KeyError, ValueError):
        raise IvcapApiError("upload_artifact", answer.status, message="the answer names no offset") from None
