"""Uploading: what is asked for is checked first; what is stored already, or in part, is found again."""

import asyncio
import itertools
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import msgspec

from armarium.domain import policy as policies
from armarium.domain.file import content_type_of
from armarium.sdk.ivcap.errors import IvcapApiError, NotAuthorizedException
from armarium.sdk.ivcap.markers import Notes
from armarium.sdk.ivcap.platform import NewArtifact, Platform, Record, Transfer
from armarium.sdk.ivcap.sources import opened, source_of

_UNKNOWN_TYPE = "application/octet-stream"


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a caller says about an upload: exactly one of `file_path` and `io_stream` has the bytes.

    content_type: None is guessed from the name of the file. content_size: -1 when the end will tell.
    force: upload even what is known to be there.
    """

    name: str | None
    file_path: str | Path | None
    io_stream: BinaryIO | None
    content_type: str | None
    content_size: int
    collection: str | None
    policy: str | None
    force: bool
    transfer: Transfer


async def upload(platform: Platform, wanted: Upload) -> Record:
    """Store the bytes and return the record of their artifact.

    Raises ValueError for what cannot be asked, UploadFailed when the bytes did not all arrive.
    """
    new = _checked(wanted)
    if wanted.io_stream is not None:
        source = source_of(wanted.io_stream, None if wanted.content_size < 0 else wanted.content_size)
        return await platform.send(await _created(platform, new, source.size, wanted.transfer), source, wanted.transfer)
    path = Path(wanted.file_path or "")
    with await asyncio.to_thread(opened, path) as file:
        source = source_of(file, None)
        notes = Notes(path)
        record = None if wanted.force else await _known(platform, notes)
        if record is None:
            record = await _created(platform, new, source.size, wanted.transfer)
            await asyncio.to_thread(notes.begun, record["id"])
        if record.get("status") != "ready":
            record = await platform.send(record, source, wanted.transfer)
    await asyncio.to_thread(notes.completed, record["id"])
    return record


async def _created(platform: Platform, new: NewArtifact, size: int | None, transfer: Transfer) -> Record:
    """A new artifact; one key for all tries, so that a lost answer makes no second one where keys are understood."""
    key = str(uuid4())
    for failures in itertools.count(1):
        try:
            return await platform.create(new, size, key)
        except IvcapApiError as refused:
            if failures > transfer.retries or not refused.may_succeed_later:
                raise
            await asyncio.sleep(transfer.retry_delay)
    raise AssertionError("numbers do not end")


def _checked(wanted: Upload) -> NewArtifact:
    if (wanted.file_path is None) == (wanted.io_stream is None):
        raise ValueError("pass either 'file_path' or 'io_stream'")
    if wanted.collection is not None and not wanted.collection.startswith("urn:"):
        raise ValueError(f"collection '{wanted.collection}' is not a URN")
    check_policy(wanted.policy)
    return NewArtifact(
        content_type=wanted.content_type or _guessed_type(wanted),
        name=wanted.name,
        collection=wanted.collection,
        policy=wanted.policy,
    )


def check_policy(policy: str | None) -> None:
    if policy is not None and not policy.startswith(policies.PREFIX):
        raise ValueError(f"policy '{policy}' does not start with '{policies.PREFIX}'")


def _guessed_type(wanted: Upload) -> str:
    names = [str(name) for name in (wanted.file_path, wanted.name) if name is not None]
    guesses = [guess for name in names if (guess := content_type_of(name)) != _UNKNOWN_TYPE]
    if not guesses:
        raise ValueError("missing content_type: it cannot be guessed from the name")
    return guesses[0]


async def _known(platform: Platform, notes: Notes) -> Record | None:
    """The artifact this file became, or was becoming, if it is still there."""
    for urn in await asyncio.to_thread(notes.known_urns):
        try:
            record = await platform.artifact(urn)
        except NotAuthorizedException as refused:
            if refused.status_code == 401:
                raise
        except IvcapApiError as refused:
            # Notes belong to the folder, not to one service: another one does not know the artifact.
            if not 400 <= refused.status_code < 500:
                raise
        else:
            if record.get("status") in ("ready", "partial", "pending"):
                return record
    return None
