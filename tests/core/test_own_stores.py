"""Files of artifacts that brought a bucket of their own, in a real S3 server."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from armarium.adapters.blobs.s3 import S3Blobs
from armarium.adapters.blobs.s3_bucket import S3Bucket
from armarium.assembly import open_core
from armarium.core import Core
from armarium.domain.errors import Invalid, NotFound, Unavailable, Unsupported
from armarium.domain.principal import ROOT, Principal, Role
from armarium.domain.storage_keys import blob_key, is_elsewhere
from armarium.settings import Settings
from armarium.testing.contracts.blobs import chunked, keys_under
from armarium.testing.s3_server import S3Server

ADA = Principal(id="ada", grants={"ws-user-ada": Role.ADMIN})


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with open_core(Settings(data=tmp_path / "data", port=1, own_stores=True)) as opened:
        await opened.accounts.create_user(ROOT, "ada")
        yield opened


@pytest.fixture
def bucket(s3_server: S3Server) -> S3Bucket:
    return s3_server.make_bucket("own", prefix=str(uuid4()))


def secrets_for(bucket: S3Bucket, **changed: str) -> dict[str, str]:
    assert bucket.endpoint is not None
    return {
        "S3_ENDPOINT_URL": bucket.endpoint,
        "S3_ACCESS_KEY_ID": bucket.access_key.id,
        "S3_SECRET_ACCESS_KEY": bucket.access_key.secret,
        "S3_REGION_NAME": bucket.region,
        "S3_BUCKET": bucket.name,
        "S3_PREFIX": bucket.prefix,
        **changed,
    }


async def create(core: Core, alias: str, secrets: dict[str, str] | None = None, **more: Any) -> None:
    await core.artifacts.create(ADA, alias=alias, manifest={"name": alias}, stage=True, secrets=secrets, **more)


async def entry(core: Core, alias: str, path: str) -> Any:
    return (await core.files.find(ADA, alias, [path]))[0].entry


async def keys_in(bucket: S3Bucket) -> set[str]:
    blobs = S3Blobs(bucket)
    return await keys_under(blobs, "blobs/")


async def test_files_go_where_the_secrets_say_and_come_back(core: Core, bucket: S3Bucket) -> None:
    await create(core, "box", secrets_for(bucket))
    await core.files.write(ADA, "box", "a.txt", b"mine")
    await core.versions.commit(ADA, "box")
    found = await entry(core, "box", "a.txt")
    assert is_elsewhere(found.blob_id)
    assert len(await keys_in(bucket)) == 1
    assert await core.files.read(ADA, "box", "a.txt") == b"mine"
    assert await core.blobs.read_many([(blob_key(found.blob_id), 4)]) == [b"mine"]
    zipped = await core.contents.open(ADA, "box")
    assert zipped == found


async def test_a_parents_bucket_is_its_childrens_and_their_own_secrets_count_more(core: Core, bucket: S3Bucket) -> None:
    await core.artifacts.create(
        ADA, alias="shelf", manifest={"name": "shelf"}, type="collection", secrets=secrets_for(bucket)
    )
    await create(core, "child", parent="shelf")
    await create(core, "other", {"S3_PREFIX": f"{bucket.prefix}/deeper"}, parent="shelf")
    await create(core, "alone")
    for alias in ("child", "other", "alone"):
        await core.files.write(ADA, alias, "a.txt", alias.encode())
        await core.versions.commit(ADA, alias)
        assert await core.files.read(ADA, alias, "a.txt") == alias.encode()
    assert not is_elsewhere((await entry(core, "alone", "a.txt")).blob_id)
    deeper = msgspec.structs.replace(bucket, prefix=f"{bucket.prefix}/deeper")
    assert (len(await keys_in(bucket)), len(await keys_in(deeper))) == (1, 1)


async def test_parts_are_joined_into_the_bucket(core: Core, bucket: S3Bucket) -> None:
    await create(core, "box", secrets_for(bucket))
    slot = (await core.files.stage(ADA, "box", ["big.bin"], weights=[0.0]))[0].slot
    upload = await core.uploads.begin_in(slot, part_count=3, expires_in=timedelta(hours=1))
    parts = [
        await core.uploads.receive(upload, number, chunked(content))
        for number, content in enumerate((b"one", b"", b"three"), 1)
    ]
    joined = await core.uploads.finish(upload, {part.number: part.etag for part in parts})
    assert is_elsewhere(joined.blob_id)
    assert await core.blobs.read(blob_key(joined.blob_id)) == b"onethree"


async def test_files_outlive_changed_secrets_copies_and_their_first_artifact(core: Core, bucket: S3Bucket) -> None:
    await create(core, "box", secrets_for(bucket))
    await core.files.write(ADA, "box", "a.txt", b"mine")
    await core.versions.commit(ADA, "box")
    await core.copies.duplicate(ADA, "box", alias="copy")
    await core.secrets.write(ADA, "box", dict.fromkeys(secrets_for(bucket)))
    assert await core.files.read(ADA, "box", "a.txt") == b"mine"
    await core.artifacts.delete(ADA, "box")
    await core.sweeper.sweep()
    assert await core.files.read(ADA, "copy", "a.txt") == b"mine"


async def test_the_sweeper_empties_the_bucket_and_then_forgets_its_key(
    core: Core, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create(core, "box", secrets_for(bucket))
    await core.files.write(ADA, "box", "a.txt", b"mine")
    await core.versions.commit(ADA, "box")
    store = (await entry(core, "box", "a.txt")).blob_id.partition(".")[0]
    await core.artifacts.delete(ADA, "box")
    real = core.clock.now
    monkeypatch.setattr(core.clock, "now", lambda: real() + 10 * 86_400)
    await core.sweeper.sweep()
    assert await keys_in(bucket) == set()
    assert await core.catalog.find_store(store) is None


@pytest.mark.parametrize("missing", ["S3_ENDPOINT_URL", "S3_REGION_NAME", "S3_BUCKET"])
async def test_half_a_configuration_is_refused_by_name(core: Core, bucket: S3Bucket, missing: str) -> None:
    await create(core, "box", secrets_for(bucket, **{missing: ""}))
    with pytest.raises(Invalid, match=f"S3 credentials are not configured: set the secret {missing}"):
        await core.files.write(ADA, "box", "a.txt", b"mine")


async def test_without_a_key_the_other_secrets_mean_nothing(core: Core, bucket: S3Bucket) -> None:
    await create(core, "box", secrets_for(bucket, S3_SECRET_ACCESS_KEY=""))
    await core.files.write(ADA, "box", "a.txt", b"mine")
    assert await keys_in(bucket) == set()


@pytest.mark.parametrize("endpoint", ["file:///etc", "127.0.0.1:9000", "http://user:x@127.0.0.1", "http://h/?x=1"])
async def test_an_endpoint_is_an_address_of_the_web(core: Core, bucket: S3Bucket, endpoint: str) -> None:
    await create(core, "box", secrets_for(bucket, S3_ENDPOINT_URL=endpoint))
    with pytest.raises(Invalid, match="S3_ENDPOINT_URL is no http"):
        await core.files.write(ADA, "box", "a.txt", b"mine")


async def test_a_bucket_that_refuses_says_nothing_of_its_keys(core: Core, bucket: S3Bucket) -> None:
    await create(core, "box", secrets_for(bucket, S3_SECRET_ACCESS_KEY="wrong-one"))
    with pytest.raises(Unavailable) as refused:
        await core.files.write(ADA, "box", "a.txt", b"mine")
    for told in ("wrong-one", bucket.access_key.id, bucket.name, "127.0.0.1"):
        assert told not in refused.value.message


async def test_an_operator_may_forbid_buckets(tmp_path: Path, bucket: S3Bucket) -> None:
    async with open_core(Settings(data=tmp_path / "data", port=1, own_stores=False)) as core:
        await core.accounts.create_user(ROOT, "ada")
        await create(core, "box", secrets_for(bucket))
        with pytest.raises(Unsupported):
            await core.files.write(ADA, "box", "a.txt", b"mine")


async def test_a_store_nobody_recorded_is_not_found(core: Core) -> None:
    with pytest.raises(NotFound):
        await core.blobs.read(f"stores/{uuid4()}/blobs/00/{str(uuid4())[:-2]}00")
