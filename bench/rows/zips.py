"""Zips made on the fly, and members read out of a stored one."""

import asyncio
import io
import os
import zipfile
from collections.abc import AsyncIterator, Iterator

from armarium.assembly import assemble, running
from armarium.core import Core
from armarium.domain.principal import Principal
from bench.crew import crew
from bench.harness import Bench, unique
from bench.http_clients import download_large, get, get_request
from bench.measure import Budget, Measure, Timings, measure
from bench.sizes import MiB

SMALL_BYTES = 1000
AT_ONCE = 64


def zips(bench: Bench) -> Iterator[Measure]:
    big, small, holder = unique("big"), unique("small"), unique("holder")
    count, size = bench.sizes.small_files, bench.sizes.large_bytes // 4
    with bench.stopped():
        asyncio.run(_fill(bench, big, small, holder))
    floor = bench.floors("get")
    bench.floors("loopback")

    url = _zip_url(bench, big)
    with bench.watched() as usage:
        seen = [crew(download_large, url=url)[0] for _ in range(bench.sizes.large_repeats)]
    best = min(timings.seconds for timings in seen)
    yield (
        Measure(
            row="zip",
            name=f"zip of 4 x {size // MiB} MiB",
            key="mb_per_second",
            count=len(seen),
            mb_per_second=4 * size / best / 1e6,
            note=f"best of {len(seen)}",
            budget=Budget("mb_per_second", 1000, at_most=False),
            **usage.as_fields(),
        )
        .judged()
        .against(floor)
    )
    yield _first_byte(f"first byte of a zip of 4 x {size // MiB} MiB", seen)

    url = _zip_url(bench, small)
    seen = [crew(download_large, url=url)[0] for _ in range(bench.sizes.large_repeats)]
    best = min(timings.seconds for timings in seen)
    yield Measure(
        row="zip",
        name=f"zip of {count:,} x 1 kB, files",
        key="per_second",
        count=len(seen),
        per_second=count / best,
        note=f"best of {len(seen)}",
        budget=Budget("per_second", 50_000, at_most=False),
    ).judged()

    members = [get_request(_member_url(bench, holder, number), bench.token) for number in range(0, count, 97)]
    crew(get, url=bench.server.url, requests=members[:1], in_flight=1, seconds=1.0, count=1)  # the index is made once
    budget = Budget("p50_ms", 3.0)
    firsts = [_after_restart(bench, members[number]) for number in range(1, 1 + bench.sizes.starts)]
    yield measure("zip", f"member of {count:,}, first after a restart", "p50_ms", firsts, budget=budget)
    seen = crew(get, url=bench.server.url, requests=members, **bench.sizes.pace(1))
    yield measure("zip", f"member of {count:,}", "p50_ms", seen, budget=budget)


def _after_restart(bench: Bench, request: bytes) -> Timings:
    bench.server.stop()
    bench.server.start()
    opening = get_request(f"{bench.server.url}/health")  # asked first, to open the connection
    return crew(get, url=bench.server.url, requests=[opening, request], in_flight=1, seconds=1.0, count=1)[0]


def _first_byte(name: str, seen: list[Timings]) -> Measure:
    budget = Budget("p50_ms", 20.0)
    firsts = [Timings(timings.started, timings.ended, [timings.first_byte]) for timings in seen]
    return measure("zip", name, "p50_ms", firsts, budget=budget)


def _zip_url(bench: Bench, alias: str) -> str:
    return f"{_artifact_url(bench, alias)}/create-zip-file?token={bench.token}"


def _member_url(bench: Bench, alias: str, number: int) -> str:
    return f"{_artifact_url(bench, alias)}/zip-files/members.zip/~/folder/{number}.bin"


def _artifact_url(bench: Bench, alias: str) -> str:
    return bench.url_of(f"{bench.collection.partition('/')[0]}/{alias}")


async def _fill(bench: Bench, big: str, small: str, holder: str) -> None:
    """Store four large files, many small ones, and an archive of as many, while nobody serves the data."""
    parts = assemble(bench.settings, "http://127.0.0.1")
    async with running(parts) as core:
        who = await parts.identify(bench.token)
        quarter = bench.sizes.large_bytes // 4
        await _store(core, who, big, {f"{number}.bin": quarter for number in range(4)})
        await _store(core, who, small, {f"{number}.bin": SMALL_BYTES for number in range(bench.sizes.small_files)})
        await core.artifacts.create(who, manifest={"name": holder}, alias=holder, stage=True)
        await core.files.write(who, holder, "members.zip", _archive(bench.sizes.small_files))
        await core.versions.commit(who, holder)


async def _store(core: Core, who: Principal, alias: str, files: dict[str, int]) -> None:
    await core.artifacts.create(who, manifest={"name": alias}, alias=alias, stage=True)
    staged = await core.files.stage(who, alias, list(files), weights=[0.0] * len(files))
    at_once = asyncio.Semaphore(AT_ONCE)

    async def receive(slot: str, size: int) -> None:
        async with at_once:
            await core.files.receive(slot, _noise(size))

    await asyncio.gather(*(receive(file.slot, files[file.path]) for file in staged))
    await core.versions.commit(who, alias)


async def _noise(size: int) -> AsyncIterator[bytes]:
    block = os.urandom(min(size, MiB))
    for at in range(0, size, len(block)):
        yield block[: size - at]


def _archive(count: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(count):
            archive.writestr(f"folder/{number}.bin", os.urandom(SMALL_BYTES))
    return buffer.getvalue()
