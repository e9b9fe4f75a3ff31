"""Many children at once: the same use case as one `create` each, a thousand of them in one transaction."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from armarium.adapters.cipher import AesGcmCipher
from armarium.assembly import assemble, running
from armarium.core.artifacts import Artifacts
from armarium.ports.catalog import Transaction
from armarium.settings import Settings

BATCH = 1000

LABELS = tuple(f"label-{n}" for n in range(10))


class _Joined:
    """A catalog whose transactions are all part of one that is open already."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        yield self._tx

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)


def child_manifest(number: int) -> dict[str, Any]:
    """A dataset's worth of words; label cuts the children in ten, score orders them in no obvious way."""
    return {
        "name": f"Sample {number}",
        "description": f"Recording {number} of the series seen at station {number % 97}",
        "label": LABELS[number % len(LABELS)],
        "score": (number * 7919 % 100_003) / 100_003,
        "tags": [f"tag-{number % 7}", f"tag-{number % 11}"],
        "year": 1990 + number % 35,
    }


async def load_children(settings: Settings, token: str, parent: str, count: int, *, prefix: str = "child") -> None:
    """Create children where nobody serves, as whoever holds the token."""
    parts = assemble(settings, "http://127.0.0.1")
    cipher = AesGcmCipher(parts.keys.secrets, parts.keys.former_secrets)
    async with running(parts) as core:
        principal = await parts.identify(token)
        for first in range(0, count, BATCH):
            async with core.catalog.transaction() as tx:
                artifacts = Artifacts(_Joined(tx), core.clock, core.counters, cipher, core.publication)
                for number in range(first, min(first + BATCH, count)):
                    await artifacts.create(
                        principal,
                        manifest=child_manifest(number),
                        alias=f"{prefix}-{number}",
                        parent=parent,
                        type="dataset",
                    )
        if settings.database is None:
            await _indexed(settings.data)


async def _indexed(data: Path) -> None:
    """Return when the words of every child can be searched: the index is fed a moment after each commit."""
    with closing(sqlite3.connect(data / "catalog.sqlite")) as database:
        while database.execute("SELECT 1 FROM text_pending LIMIT 1").fetchone():
            await asyncio.sleep(0.1)
