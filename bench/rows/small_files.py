"""Files of 10 kB: downloads a second, and uploads through URLs asked for one by one."""

from collections.abc import Iterator
from typing import Any

from bench.clients import upload_files
from bench.crew import crew
from bench.harness import Bench, unique
from bench.http_clients import get, get_request
from bench.measure import Measure, measure

SIZE_BYTES = 10_000
FILES = 50


def small_files(bench: Bench) -> Iterator[Measure]:
    floor = bench.floors("asgi")
    artifact = bench.call(_stage(bench))
    with bench.watched() as memory:
        seen = crew(
            upload_files, processes=4, artifact=artifact, prefix="many", body_bytes=SIZE_BYTES,
            **bench.access, **bench.sizes.pace(8),
        )  # fmt: skip
    yield measure("small-files", "put_file + PUT of 10 kB, 4 clients x 8", "per_second", seen, **memory.as_fields())

    async def publish(manager: Any) -> list[str]:
        committed = await manager.commit(artifact)
        names = [entry["name"] for entry in await manager.list_files(committed.id, dir_path="many/0", limit=FILES)]
        return [await manager.get_file(artifact, f"many/0/{name}") for name in names]

    signed = bench.call(publish)
    routed = [bench.url_of(artifact, f"/files/many/0/{url.rpartition('/')[2]}") for url in signed]
    for name, urls, token in (("signed URL", signed, None), ("files route", routed, bench.token)):
        requests = [get_request(url, token) for url in urls]
        with bench.watched() as memory:
            seen = crew(
                get, processes=2, fast_loop=True, url=bench.server.url, requests=requests, **bench.sizes.pace(32)
            )
        found = measure("small-files", f"GET of 10 kB, {name}", "per_second", seen, **memory.as_fields())
        yield found.against(floor)


def _stage(bench: Bench) -> Any:
    async def stage(manager: Any) -> str:
        alias = unique("small")
        made = await manager.create(parent_id=bench.collection, alias=alias, manifest={"name": "Small"}, stage=True)
        return str(made.id)

    return stage
