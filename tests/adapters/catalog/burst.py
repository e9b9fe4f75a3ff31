"""A program that writes as fast as it can and says, line by line, what it was told is durable.

Run as `python burst.py <catalog file> <prefix>`, until killed.
"""

import asyncio
import sys
from pathlib import Path

from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.adapters.clock import SystemClock
from armarium.testing.contracts import catalog_fixtures as fixtures
from armarium.testing.contracts.catalog_fixtures import a_slot, a_version, an_entry, insert

clock = SystemClock()


async def write(catalog, alias):
    async with catalog.transaction() as tx:
        artifact_id = await insert(tx, alias, id=clock.new_id(), manifest={"name": f"words of {alias}", "n": [1, 2]})
        version_id = await a_version(tx, artifact_id)
        slot, entry = a_slot("f.txt"), an_entry("f.txt", blob_id=clock.new_id())
        await tx.stage_files(artifact_id, [slot])
        await tx.fill_slot(slot.slot, entry)
        await tx.apply_staged_files(artifact_id, version_id)
        await tx.delete_draft(artifact_id)


async def worker(catalog, prefix, number):
    for count in range(100_000):
        alias = f"{prefix}-{number}-{count}"
        await write(catalog, alias)
        print(alias, flush=True)


async def main(path, prefix):
    fixtures.clock = clock  # the fixtures' own counts from one in every process
    catalog = SqliteCatalog(Path(path))
    await catalog.open()
    await asyncio.gather(*(worker(catalog, prefix, number) for number in range(16)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
