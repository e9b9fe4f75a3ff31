"""Rankings put together, and where a page of one ends."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

CONSTANT = 60
"""Of reciprocal rank fusion: the larger, the less the first ranks stand out."""
DEPTH = 250
"""So many of each ranking are put together; what none of them has among these is not found."""


class Ranked(msgspec.Struct, frozen=True):
    """What was found, and its share: the sum of `1 / (60 + rank)` over the rankings it is in, ranks from 1."""

    id: str
    score: float


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The end of a page. shown: how many came before; last: the id that was.

    until: the revision each collection had for the first page. What arrived later is on no page.
    """

    shown: int
    last: str
    until: Mapping[str, int]


def fused(rankings: Sequence[Sequence[str]]) -> list[Ranked]:
    """Put rankings together by reciprocal rank fusion; equal ones in the order of the first ranking, then the next.

    Source: Cormack, Clarke, Buettcher: Reciprocal rank fusion outperforms Condorcet, SIGIR 2009.
    """
    shares: defaultdict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, id_ in enumerate(ranking[:DEPTH], start=1):
            shares[id_] += 1 / (CONSTANT + rank)
    return sorted((Ranked(id_, share) for id_, share in shares.items()), key=lambda ranked: -ranked.score)


def first_of_page(ranking: Sequence[Ranked], after: Place | None, offset: int) -> int:
    """Where a page begins: behind the last one seen, or where that is gone behind as many as there were."""
    if after is None:
        return offset
    place = next((at for at, ranked in enumerate(ranking) if ranked.id == after.last), after.shown - 1)
    return place + 1 + offset
