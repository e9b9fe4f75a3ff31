"""The client for blocking code: each call waits for what its async twin does."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from armarium.sdk.aimable.service import Service
from armarium.sdk.aimable.values import Artifact, Id, Job, Page, Space
from armarium.sdk.loop import iterate, run

STREAM_BYTES = 1024 * 1024


class AimableClient:
    """Spaces and the artifacts in them, for blocking code.

    base_url: of the service, with its gateway prefix if it has one. One of `api_key` and `token` is enough;
    without both the key is `AIMABLE_API_KEY` of the environment. Making a client sends nothing.
    """

    def __init__(self, base_url: str, api_key: str | None = None, token: str | None = None) -> None:
        if api_key is None and token is None:
            api_key = os.environ.get("AIMABLE_API_KEY")
        if not api_key and not token:
            raise ValueError("missing credential: pass 'api_key' or 'token', or set AIMABLE_API_KEY")
        service = Service(base_url, api_key, token)
        self.base_url = base_url
        self.spaces = Spaces(service)
        self.artifacts = Artifacts(service)


class Spaces:
    """Reached as `client.spaces`."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def create(self, name: str, *, idempotency_key: str | None = None, **settings: Any) -> Space:
        """settings: `description`, `avatar_url` and whatever else the service keeps."""
        return run(self._service.create_space(name, settings, idempotency_key))

    def get(self, space_id: Id) -> Space:
        """Raises NotFound, also for a space that is not yours to see."""
        return run(self._service.space(space_id))

    def update(self, space_id: Id, **changes: Any) -> Space:
        """Change what is given; None clears."""
        return run(self._service.update_space(space_id, changes))

    def delete(self, space_id: Id, *, force: bool = False) -> None:
        """force: with all its artifacts. Raises Conflict when there are some and it is not given."""
        run(self._service.delete_space(space_id, force=force))

    def list(self) -> Sequence[Space]:
        """Every space of the caller."""
        return run(self._service.spaces())


class Artifacts:
    """Reached as `client.artifacts`."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def generate(
        self,
        space_id: Id,
        name: str,
        content: bytes | str | None = None,
        type: str = "document",
        *,
        idempotency_key: str | None = None,
        wait: bool = True,
        timeout: float = 300.0,
        **fields: Any,
    ) -> Artifact:
        """Make an artifact from its bytes, from text, or by what `fields` ask of the service.

        fields: `mime_type`, `file_name`, `thread_id`, `metadata` and others of the request. idempotency_key: a fresh
        one if not given; repeating a call with the same one makes no second artifact. wait: until it is final, at
        most `timeout` seconds. Raises GenerationFailed, TimeoutError.
        """
        asked = {"name": name, "type": type} | fields
        return run(self._service.generate(space_id, asked, content, idempotency_key, wait=wait, timeout=timeout))

    def get(self, space_id: Id, artifact_id: Id) -> Artifact:
        """What is known of an artifact; raises NotFound."""
        return run(self._service.artifact(space_id, artifact_id))

    def delete(self, space_id: Id, artifact_id: Id) -> None:
        """Remove an artifact with its content; raises NotFound."""
        run(self._service.delete_artifact(space_id, artifact_id))

    def put_content(
        self, space_id: Id, artifact_id: Id, content: bytes | str | Path, *, media_type: str | None = None
    ) -> Artifact:
        """Replace the file of an artifact by bytes, or by the file at a path, which may be of any size."""
        return run(self._service.put_content(space_id, artifact_id, content, media_type))

    def read(self, space_id: Id, artifact_id: Id) -> bytes:
        """The whole file in memory."""
        return run(self._service.read(space_id, artifact_id))

    def stream(self, space_id: Id, artifact_id: Id, chunk_size: int = STREAM_BYTES) -> Iterator[bytes]:
        """The file in order, at most `chunk_size` bytes at a time."""
        return iterate(self._service.content(space_id, artifact_id, chunk_size))

    def download(self, space_id: Id, artifact_id: Id, path: str | Path | None = None) -> Path:
        """Fetch the file to a path; a folder, or the current one without a path, takes it under its own name.

        The file appears when all of it is there; a download that broke is taken up again.
        """
        return run(self._service.save(space_id, artifact_id, path))

    def iterate(
        self,
        space_id: Id,
        *,
        thread_id: str | None = None,
        document_type: str | None = None,
        status: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Artifact]:
        """All artifacts, newest first. limit: how many to ask for at a time."""
        query = _query(thread_id=thread_id, document_type=document_type, status=status, limit=limit)
        return iterate(self._service.all_artifacts(space_id, query))

    def jobs(self, space_id: Id, artifact_id: Id) -> Sequence[Job]:
        """What was done to an artifact, newest first."""
        return run(self._service.jobs(space_id, artifact_id))

    def list(
        self,
        space_id: Id,
        *,
        thread_id: str | None = None,
        document_type: str | None = None,
        status: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Artifact]:
        """One page, newest first; `cursor` of a page asks for the one after it."""
        query = _query(thread_id=thread_id, document_type=document_type, status=status, limit=limit, cursor=cursor)
        return run(self._service.artifacts(space_id, query))


def _query(**asked: Any) -> Mapping[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}
