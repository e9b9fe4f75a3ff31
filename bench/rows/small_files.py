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
FOLDERS = ("many", "more")


def small_files(bench: Bench) -> Iterator[Measure]:
    artifact = bench.call(_stage(bench))
    for folder, (way, options) in zip(FOLDERS, bench.ways.items(), strict=False):
        with bench.watched() as usage:
            seen = crew(
                upload_files, processes=4, artifact=artifact, prefix=folder, body_bytes=SIZE_BYTES, options=options,
                **bench.access, **bench.sizes.pace(8),
            )  # fmt: skip
        yield measure(
            "small-files", f"put_file + PUT of 10 kB{way}, 4 clients x 8", "per_second", seen, **usage.as_fields()
        )
    names = bench.call(_commit(artifact))
    bench.floors("asgi")
    bench.floors("nginx_files")
    for way, options in bench.ways.items():
        yield _downloads(bench, f"signed URL{way}", bench.call(_urls(artifact, names, options)), None)
    routed = [bench.url_of(artifact, f"/files/{name}") for name in names]
    yield _downloads(bench, "files route", routed, bench.token)


def _downloads(bench: Bench, name: str, urls: list[str], token: str | None) -> Measure:
    requests = [get_request(url, token) for url in urls]
    with bench.watched() as usage:
        seen = crew(get, processes=2, fast_loop=True, url=urls[0], requests=requests, **bench.sizes.pace(32))
    found = measure("small-files", f"GET of 10 kB, {name}", "per_second", seen, **usage.as_fields())
    return found.against(bench.floors("gets"))


def _stage(bench: Bench) -> Any:
    async def stage(manager: Any) -> str:
        alias = unique("small")
        made = await manager.create(parent_id=bench.collection, alias=alias, manifest={"name": "Small"}, stage=True)
        return str(made.id)

    return stage


def _commit(artifact: str) -> Any:
    async def commit(manager: Any) -> list[str]:
        committed = await manager.commit(artifact)
        found = await manager.list_files(committed.id, dir_path=f"{FOLDERS[0]}/0", limit=FILES)
        return [f"{FOLDERS[0]}/0/{entry['name']}" for entry in found]

    return commit


def _urls(artifact: str, names: list[str], options: dict[str, Any]) -> Any:
    async def urls(manager: Any) -> list[str]:
        return [await manager.get_file(artifact, name, **options) for name in names]

    return urls
