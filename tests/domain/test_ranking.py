"""Rankings put together, against the definition."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.ranking import DEPTH, Place, first_of_page, fused

rankings = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), max_size=4)


@given(rankings)
def test_the_share_is_that_of_the_definition(given_rankings):
    shares: dict[str, Fraction] = {}
    for ranking in given_rankings:
        for rank, id_ in enumerate(ranking, start=1):
            shares[id_] = shares.get(id_, Fraction(0)) + Fraction(1, 60 + rank)
    found = fused(given_rankings)
    assert {ranked.id: ranked.score for ranked in found} == pytest.approx({id_: float(s) for id_, s in shares.items()})
    assert [ranked.score for ranked in found] == sorted((ranked.score for ranked in found), reverse=True)


def test_what_both_find_comes_before_what_one_finds():
    assert [ranked.id for ranked in fused([["w", "both"], ["v", "both"]])] == ["both", "w", "v"]


def test_only_the_first_of_each_ranking_count():
    assert len(fused([[f"a{n}" for n in range(DEPTH + 5)], [f"b{n}" for n in range(3)]])) == DEPTH + 3


def test_a_page_begins_behind_the_last_one_seen():
    ranking = fused([["a", "b", "c", "d"]])
    assert first_of_page(ranking, None, 2) == 2
    assert first_of_page(ranking, Place(2, "b", {}), 0) == 2
    assert first_of_page(ranking[1:], Place(2, "b", {}), 0) == 1
    assert first_of_page(ranking, Place(2, "gone", {}), 1) == 3
