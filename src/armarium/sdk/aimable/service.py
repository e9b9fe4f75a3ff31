"""The operations of both clients, written once. Source: protocols/aimable.md, sections 2 to 7."""

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from armarium.domain.errors import Invalid
from armarium.domain.file import content_type_of, safe_path
from armarium.sdk.aimable.errors import GenerationFailed, code_of, error_of
from armarium.sdk.aimable.values import FINAL, Artifact, Id, Job, Page, Record, Space, cursor_of, unwrapped
from armarium.sdk.download import download
from armarium.sdk.transport import Bytes, Failure, Transport, TransportError, never, patiently
from armarium.sdk.upload import FileSlice

_POLLS_SECONDS = (0.1, 5.0)


class Service:
    """One service, as one caller sees it.

    What can be repeated is tried again when the service is busy or out of reach: reading, replacing, and making
    something under an idempotency key.
    """

    def __init__(self, base_url: str, api_key: str | None, token: str | None) -> None:
        headers = {"X-API-Key": api_key} if api_key else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._patient = Transport(base_url, failed=error_of, headers=headers, retry=patiently)
        self._write = Transport(base_url, failed=error_of, headers=headers, retry=never)
        self._write_under_key = Transport(base_url, failed=error_of, headers=headers, retry=_under_key)

    # -- spaces ---------------------------------------------------------------------------------------------------

    async def spaces(self) -> list[Space]:
        answer = (await self._patient.call("GET", "/v1/spaces")).json()
        return [Space.of(record) for record in (answer["data"] if isinstance(answer, dict) else answer)]

    async def create_space(self, name: str, settings: Mapping[str, Any], key: str | None) -> Space:
        headers = {"Idempotency-Key": key or str(uuid4())}
        body = {"name": name} | dict(settings)
        answer = await self._write_under_key.call("POST", "/v1/spaces", json=body, headers=headers)
        return Space.of(unwrapped(answer.json()))

    async def space(self, space_id: Id) -> Space:
        return Space.of(unwrapped((await self._patient.call("GET", _space(space_id))).json()))

    async def update_space(self, space_id: Id, changes: Mapping[str, Any]) -> Space:
        answer = await self._write.call("PATCH", _space(space_id), json=dict(changes))
        return Space.of(unwrapped(answer.json()))

    async def delete_space(self, space_id: Id, *, force: bool) -> None:
        query = {"force": "true"} if force else None
        await self._write.call("DELETE", _space(space_id), query=query)

    # -- artifacts ------------------------------------------------------------------------------------------------

    async def artifacts(self, space_id: Id, query: Mapping[str, Any]) -> Page[Artifact]:
        answer = (await self._patient.call("GET", f"{_space(space_id)}/artifacts", query=query)).json()
        return Page(data=[Artifact.of(record) for record in answer["data"]], cursor=cursor_of(answer))

    async def all_artifacts(self, space_id: Id, query: Mapping[str, Any]) -> AsyncGenerator[Artifact, None]:
        page: Page[Artifact] | None = None
        while page is None or page.cursor is not None:
            page = await self.artifacts(space_id, query if page is None else dict(query) | {"cursor": page.cursor})
            for artifact in page.data:
                yield artifact

    async def artifact(self, space_id: Id, artifact_id: Id) -> Artifact:
        return Artifact.of(unwrapped((await self._patient.call("GET", _path(space_id, artifact_id))).json()))

    async def delete_artifact(self, space_id: Id, artifact_id: Id) -> None:
        await self._write.call("DELETE", _path(space_id, artifact_id))

    async def generate(
        self,
        space_id: Id,
        fields: Record,
        content: bytes | str | None,
        key: str | None,
        *,
        wait: bool,
        timeout: float,
    ) -> Artifact:
        """Ask for an artifact; `wait` asks until it is final. Raises GenerationFailed, TimeoutError."""
        body = {name: value for name, value in fields.items() if value is not None} | _encoded(content)
        headers = {"Idempotency-Key": key or str(uuid4())}
        path = f"{_space(space_id)}/artifacts/generate"
        answer = await self._write_under_key.call("POST", path, json=body, headers=headers)
        artifact = Artifact.of(unwrapped(answer.json()))
        return await self._final(space_id, artifact, timeout) if wait else artifact

    async def put_content(
        self, space_id: Id, artifact_id: Id, content: bytes | str | Path, media_type: str | None
    ) -> Artifact:
        """Replace what is in an artifact. content: bytes, or the path of a file of any size, read while it is sent."""
        path = None if isinstance(content, bytes) else Path(content)
        body = Bytes(content) if isinstance(content, bytes) else await asyncio.to_thread(FileSlice, Path(content))
        headers = {"Content-Type": media_type or content_type_of(path.name if path else "")}
        query = {"file_name": path.name} if path else None
        url = f"{_path(space_id, artifact_id)}/content"
        answer = await self._patient.call("PUT", url, query=query, body=body, headers=headers)
        return Artifact.of(unwrapped(answer.json()))

    async def jobs(self, space_id: Id, artifact_id: Id) -> list[Job]:
        """Newest first, all of them."""
        jobs: list[Job] = []
        query: Record = {}
        while True:
            path = f"{_path(space_id, artifact_id)}/jobs"
            answer = (await self._patient.call("GET", path, query=query)).json()
            jobs += [Job.of(record) for record in answer["data"]]
            query = {"cursor": cursor_of(answer)}
            if query["cursor"] is None:
                return jobs

    async def content(self, space_id: Id, artifact_id: Id, chunk_size: int) -> AsyncGenerator[bytes, None]:
        try:
            async with self._patient.open(f"{_path(space_id, artifact_id)}/download") as response:
                async for chunk in response.content.iter_chunked(chunk_size):
                    yield chunk
        except TransportError as broken:
            raise error_of(broken.failure) from broken.__cause__

    async def read(self, space_id: Id, artifact_id: Id) -> bytes:
        return (await self._patient.call("GET", f"{_path(space_id, artifact_id)}/download")).body

    async def save(self, space_id: Id, artifact_id: Id, path: str | Path | None) -> Path:
        """Fetch into a file; a folder, or None for the current one, takes it under its own name."""
        target = Path("." if path is None else path)
        if await asyncio.to_thread(target.is_dir):
            target /= _file_name(await self.artifact(space_id, artifact_id))
        await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
        await download(self._patient, f"{_path(space_id, artifact_id)}/download", target)
        return target

    async def _final(self, space_id: Id, artifact: Artifact, timeout: float) -> Artifact:
        deadline = time.monotonic() + timeout
        pause, longest = _POLLS_SECONDS
        while artifact.status not in FINAL:
            if time.monotonic() + pause > deadline:
                raise TimeoutError(f"Artifact '{artifact.id}' is still {artifact.status} after {timeout:g} s.")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, longest)
            artifact = await self.artifact(space_id, artifact.id)
        if artifact.status != "completed":
            raise GenerationFailed(artifact)
        return artifact


def _under_key(times: int, failure: Failure) -> float | None:
    """A request that may be repeated: also when its first copy is still at work, or the service fell over it."""
    if times > 4 or not (
        failure.status in (None, 429) or failure.status >= 500 or code_of(failure) == "idempotency_in_progress"
    ):
        return None
    if failure.retry_after_seconds is not None:
        return min(failure.retry_after_seconds, 30.0)
    return 0.2 * 2.0 ** (times - 1)


def _space(space_id: Id) -> str:
    return f"/v1/spaces/{quote(str(space_id), safe='')}"


def _path(space_id: Id, artifact_id: Id) -> str:
    return f"{_space(space_id)}/artifacts/{quote(str(artifact_id), safe='')}"


def _encoded(content: bytes | str | None) -> Record:
    if content is None:
        return {}
    if isinstance(content, str):
        return {"content": content, "content_encoding": "utf-8"}
    return {"content": base64.b64encode(content).decode()}


def _file_name(artifact: Artifact) -> str:
    """A name of one part; what the service calls it is not trusted to lead anywhere."""
    for name in (artifact.file_name, artifact.name):
        try:
            if name:
                return safe_path(name.replace("/", "_").lstrip("."))
        except Invalid:
            continue
    return artifact.id
