"""How much of everything one run does."""

from typing import Any

import msgspec

MiB = 1 << 20


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """seconds: the longest a repeated operation is measured; count: the most calls of one client."""

    seconds: float = 2.5
    count: int = 1_000_000
    children: int = 100_000
    million: int = 1_000_000
    large_bytes: int = 1024 * MiB
    large_repeats: int = 3
    small_files: int = 10_000
    vectors: int = 100_000
    starts: int = 5

    def pace(self, in_flight: int) -> dict[str, Any]:
        return {"in_flight": in_flight, "seconds": self.seconds, "count": self.count}


FULL = Sizes()
QUICK = Sizes(
    seconds=0.5,
    children=5_000,
    million=0,
    large_bytes=64 * MiB,
    large_repeats=1,
    small_files=500,
    vectors=2_000,
    starts=2,
)
