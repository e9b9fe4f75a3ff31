"""From an artifact to bytes on this machine."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

from armarium.sdk.ivcap.files import CMPath, SafePath, resolve_chunk_size
from armarium.sdk.ivcap.local import LocalPlatform
from armarium.sdk.ivcap.platform import Platform
from armarium.sdk.ivcap.values import ArtifactFields


async def current(platform: Platform, artifact: ArtifactFields) -> None:
    """Make sure it is known where the bytes are; an entry of a list may not say."""
    if artifact.record["data-href"] is None:
        artifact.update(await platform.artifact(artifact.id))


async def chunks(platform: Platform, artifact: ArtifactFields, chunk_size: int) -> AsyncGenerator[bytes, None]:
    size = resolve_chunk_size(chunk_size, artifact.size)
    if size < 1:
        raise ValueError("chunk_size must be -1 or at least 1")
    await current(platform, artifact)
    async for chunk in platform.content(artifact.record, size):
        yield chunk


async def whole(platform: Platform, artifact: ArtifactFields) -> bytes:
    return b"".join([chunk async for chunk in chunks(platform, artifact, -1)])


async def to_file(platform: Platform, artifact: ArtifactFields, path: str | Path) -> Path:
    """Write the bytes to a path, over what was there; directories are made as needed."""
    path = Path(path)
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    await current(platform, artifact)
    await platform.save(artifact.record, path)
    return path


async def to_temporary_file(platform: Platform, artifact: ArtifactFields) -> CMPath | SafePath:
    """Write the bytes to a new file that deletes itself; in a folder, return the stored file, which does not."""
    if isinstance(platform, LocalPlatform):
        return SafePath(platform.stored_file(artifact.id))
    with tempfile.NamedTemporaryFile(prefix="ivcap-", delete=False) as created:
        path = CMPath(created.name)
    try:
        await to_file(platform, artifact, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
