"""A life cycle told by the unmodified `luml-api`; runs in an environment of its own and prints what it saw as JSON.

story.py <url> <key> <organization> <folder with small.fnnx and large.fnnx> sync|async
"""

import asyncio
import hashlib
import inspect
import json
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

from luml_api import AsyncLumlClient, LumlClient

warnings.simplefilter("ignore")


async def settled(value):
    """The outcome of a call of either client."""
    return await value if inspect.isawaitable(value) else value


def as_object(artifact):
    """The asynchronous client of 0.1 returns some artifacts as the server sent them."""
    return SimpleNamespace(**artifact) if isinstance(artifact, dict) else artifact


async def listed(artifacts):
    found = artifacts.list_all(limit=2)
    if hasattr(found, "__aiter__"):
        return [artifact async for artifact in found]
    return list(found)


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


async def connected(url, key, organization, kind):
    if kind == "sync":
        return LumlClient(url, key, organization=organization)
    client = AsyncLumlClient(url, key)
    await client.setup_config(organization=organization)
    return client


async def tell(url, key, organization, folder, kind):
    seen = {}
    luml = await connected(url, key, organization, kind)
    secret = (await settled(luml.bucket_secrets.list()))[0]
    orbit = await settled(luml.orbits.create("orbit", secret.id))
    luml.orbit = orbit.id
    tried = await settled(luml.bucket_secrets.create("s3.example.org", "models", region="eu"))
    seen["bucket"] = [tried.bucket_name, str(tried.type)]
    await settled(luml.bucket_secrets.update(tried.id, bucket_name="other"))
    await settled(luml.bucket_secrets.delete(tried.id))
    await settled(luml.orbits.update(name="renamed"))
    collection = await settled(luml.collections.create("about models", "models", "model", ["x"]))
    luml.collection = collection.id
    await settled(luml.collections.update(description="more about models"))
    found = await settled(luml.collections.get("models"))
    seen["collection"] = [found.name, found.description, found.tags, found.total_artifacts]

    small = await settled(luml.artifacts.upload(f"{folder}/small.fnnx", "small", "d", ["a", "b"]))
    large = await settled(luml.artifacts.upload(f"{folder}/large.fnnx", "large"))
    small, large = as_object(small), as_object(large)
    seen["uploaded"] = [[each.name, str(each.status), each.size, each.file_hash] for each in (small, large)]
    for artifact in (small, large):
        await settled(luml.artifacts.download(artifact.id, f"{folder}/{kind}-{artifact.name}"))
    seen["downloaded"] = [digest(f"{folder}/{kind}-{name}") for name in ("small", "large")]

    declared = {
        "file_name": "c.fnnx",
        "extra_values": {"f1": 0.5},
        "manifest": {"version": "1.0"},
        "file_hash": "short",
    }
    declared |= {"file_index": {}, "size": 3, "name": "created", "collection_id": collection.id}
    created = await settled(luml.artifacts.create(**declared))
    seen["created"] = [str(created.artifact.status), created.upload_details.multipart]
    updated = as_object(await settled(luml.artifacts.update(small.id, name="renamed", tags=["c"])))
    seen["updated"] = [updated.name, updated.tags, updated.description]
    by_name = await settled(luml.artifacts.get("large"))
    by_id = await settled(luml.artifacts.get(large.id))
    seen["got"] = [by_name.id == large.id, by_id.name, await settled(luml.artifacts.get("missing"))]
    seen["listed"] = [artifact.name for artifact in await listed(luml.artifacts)]
    page = await settled(luml.artifacts.list(limit=2))
    seen["page"] = [len(page.items), page.cursor is not None]

    if hasattr(luml.artifacts, "delete_batch"):
        await settled(luml.artifacts.delete(small.id))
        await settled(luml.artifacts.delete_batch([large.id, created.artifact.id]))
    else:
        for artifact in (small, large, created.artifact):
            await settled(luml.artifacts.delete(artifact.id))
    seen["left"] = [artifact.name for artifact in await listed(luml.artifacts)]
    seen["refused"] = await refused(luml, small.id)
    await settled(luml.collections.delete(collection_id=collection.id))
    return seen


async def refused(luml, artifact_id):
    """The names of the exceptions that mistakes end in."""
    names = []
    for mistake in (
        lambda: luml.artifacts.download_url(artifact_id),
        lambda: luml.artifacts.update("no-uuid", name="x"),
        lambda: luml.orbits.create("x", artifact_id),
    ):
        try:
            await settled(mistake())
            names.append(None)
        except Exception as error:
            names.append(type(error).__name__)
    return names


print(json.dumps(asyncio.run(tell(*sys.argv[1:]))))
