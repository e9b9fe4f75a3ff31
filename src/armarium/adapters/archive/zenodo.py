"""Publishing to Zenodo, or to its sandbox, through the deposit API."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from armarium.adapters.archive.zenodo_http import Conversation, Patience
from armarium.adapters.archive.zenodo_words import deposit_of, link_in, md5_in, metadata_of, number_of
from armarium.domain.errors import Refused, Unavailable
from armarium.ports.archive import Deposit, Description, PublicFile, Record

_DEPOSITIONS = "/api/deposit/depositions"
_GONE = frozenset({403, 404, 410})


class ZenodoArchive:
    """Implements `Archive`. base_url: the one server that is ever contacted, without a final slash."""

    def __init__(self, base_url: str, patience: Patience | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        self._patience = patience or Patience()

    def _talk(self, token: str) -> Conversation:
        return Conversation(self._base_url, token, self._patience)

    async def reserve(self, token: str) -> Deposit:
        async with self._talk(token) as talk:
            return _deposit(await talk.demand("POST", _DEPOSITIONS, json={}, what="Failed to create a deposition"))

    async def discard(self, token: str, deposit: Deposit) -> None:
        async with self._talk(token) as talk:
            answer = await talk.ask("DELETE", f"{_DEPOSITIONS}/{deposit.id}")
            if answer.status >= 300 and answer.status not in _GONE:
                raise talk.refusal("Failed to discard a deposition", answer)

    async def find(self, token: str, known: Record) -> Deposit | None:
        number = number_of(known.get("id")) or number_of(known.get("record_id"))
        home = link_in(known, "self")
        if number is None or (home is not None and not home.startswith(f"{self._base_url}/")):
            return None
        async with self._talk(token) as talk:
            return await _read(talk, number)

    async def draft_of_next_version(self, token: str, published: Deposit) -> Deposit | None:
        async with self._talk(token) as talk:
            answer = await talk.ask("POST", f"{_DEPOSITIONS}/{published.id}/actions/newversion")
            record = answer.body if answer.status < 300 else None
            if record is None:
                # It says no where a draft is left from before, and so does a record that is gone.
                now = await _read(talk, published.id)
                record = now.record if now else None
            link = link_in(record or {}, "latest_draft")
            if record is None:
                return None
            failed = f"Failed to make a new version of deposition {published.id}"
            if link is None:
                raise talk.refusal(failed, answer)
            draft = _deposit(await talk.demand("GET", link, what=failed))
            if draft.is_published:
                raise talk.refusal(failed, answer)
            return draft

    async def fill(self, token: str, draft: Deposit, description: Description, files: Sequence[PublicFile]) -> None:
        async with self._talk(token) as talk:
            described = await talk.demand(
                "PUT",
                f"{_DEPOSITIONS}/{draft.id}",
                json={"metadata": metadata_of(description)},
                what="Zenodo refused the metadata of the deposition",
            )
            bucket = link_in(described, "bucket") or link_in(draft.record, "bucket")
            if bucket is None:
                raise Refused("Zenodo named no place for the files of the deposition.")
            there = await _files_there(talk, draft.id)
            wanted = {file.path for file in files}
            for name, known in there.items():
                if name not in wanted:
                    await _remove(talk, draft.id, name, known)
            for file in files:
                if not await _is_there(file, there.get(file.path)):
                    await talk.put_file(bucket, file.path, file.size_bytes, file.read)

    async def publish(self, token: str, draft: Deposit) -> Deposit:
        async with self._talk(token) as talk:
            failed = f"Failed to publish deposition {draft.id}"
            try:
                answer = await talk.ask("POST", f"{_DEPOSITIONS}/{draft.id}/actions/publish")
            except Unavailable:
                answer = None
            if answer is not None and answer.status < 300 and isinstance(answer.body, dict):
                return _deposit(answer.body)
            # An answer can get lost on its way, and the next attempt is then refused: what counts is what is there.
            now = await _read(talk, draft.id)
            if now is not None and now.is_published:
                return now
            if answer is None:
                raise Unavailable(f"{failed}: Zenodo did not answer.", retry_after_seconds=60)
            raise talk.refusal(failed, answer)


def _deposit(record: Record) -> Deposit:
    deposit = deposit_of(record)
    if deposit is None:
        raise Refused("Zenodo sent a deposition without a number.")
    return deposit


async def _read(talk: Conversation, id: str) -> Deposit | None:
    answer = await talk.ask("GET", f"{_DEPOSITIONS}/{id}")
    if answer.status in _GONE:
        return None
    if answer.status >= 300 or not isinstance(answer.body, dict):
        raise talk.refusal("Failed to read the deposition", answer)
    return _deposit(answer.body)


async def _files_there(talk: Conversation, id: str) -> dict[str, Mapping[str, Any]]:
    answer = await talk.ask("GET", f"{_DEPOSITIONS}/{id}/files")
    if answer.status >= 300 or not isinstance(answer.body, list):
        raise talk.refusal("Failed to list the files of the deposition", answer)
    entries = [entry for entry in answer.body if isinstance(entry, Mapping)]
    return {str(entry.get("filename") or entry.get("key")): entry for entry in entries}


async def _remove(talk: Conversation, id: str, name: str, known: Mapping[str, Any]) -> None:
    file_id = str(known.get("id", ""))
    if not file_id.replace("-", "").isalnum():
        raise Refused(f"Zenodo did not say how to remove the file '{name}' of the deposition.")
    answer = await talk.ask("DELETE", f"{_DEPOSITIONS}/{id}/files/{file_id}")
    if answer.status >= 300 and answer.status not in _GONE:
        raise talk.refusal(f"Zenodo refused to remove the file '{name}' of the deposition", answer)


async def _is_there(file: PublicFile, known: Mapping[str, Any] | None) -> bool:
    """Whether the archive has these bytes already, from an earlier attempt or an earlier version."""
    if known is None or known.get("filesize", known.get("size")) != file.size_bytes:
        return False
    stored = md5_in(known.get("checksum"))
    return stored is not None and stored == await _md5(file)


async def _md5(file: PublicFile) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    async with aclosing(file.read()) as chunks:
        async for chunk in chunks:
            await asyncio.to_thread(digest.update, chunk)
    return digest.hexdigest()
