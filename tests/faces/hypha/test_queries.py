import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.errors import Invalid
from armarium.domain.query import (
    AllOf,
    AnyOf,
    Between,
    ContainsAll,
    ContainsAny,
    Equals,
    Field,
    Keyword,
    Matches,
    Order,
    Stage,
)
from armarium.faces.hypha.queries import parse_query

NAME = Field("manifest", "name")


def where(**filters):
    return parse_query(filters=filters).where


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("x", Equals(NAME, "x")),
        (1, Equals(NAME, 1)),
        ("x*", Matches(NAME, "x*")),
        (["a", "b"], ContainsAll(NAME, ("a", "b"))),
        ({"$like": "x"}, AllOf((Matches(NAME, "x"),))),
        ({"$in": ["a"]}, AllOf((ContainsAny(NAME, ("a",)),))),
        ({"$all": ["a"]}, AllOf((ContainsAll(NAME, ("a",)),))),
        ({"$gte": 3}, AllOf((Between(NAME, 3, None),))),
        (None, AnyOf(())),
        ({"first": "x"}, AllOf((Equals(Field("manifest", "name.first"), "x"),))),
    ],
)
def test_manifest_conditions(condition, expected):
    assert where(manifest={"name": condition}) == AllOf((AllOf((expected,)),))


def test_and_or_nest():
    parsed = where(manifest={"$or": [{"name": "a"}, {"$and": [{"name": "b"}]}]})
    inner = AllOf((AllOf((AllOf((Equals(NAME, "b"),)),)),))
    assert parsed == AllOf((AllOf((AnyOf((AllOf((Equals(NAME, "a"),)), inner)),)),))


def test_ranges_and_texts_of_built_in_fields():
    assert where(created_at=[1, None], type="dataset") == AllOf(
        (Between(Field("artifact", "created_at"), 1, None), Equals(Field("artifact", "type"), "dataset"))
    )


def test_permissions_are_found_in_the_config():
    wanted = Equals(Field("config", "permissions.bob"), "r")
    assert where(config={"permissions": {"bob": "r"}}) == AllOf((AllOf((AllOf((wanted,)),)),))
    assert where(**{"permissions/bob": "r"}) == AllOf((wanted,))


def test_or_combines_keywords_and_filters():
    parsed = parse_query(keywords=["a"], filters={"type": "t"}, mode="OR").where
    assert parsed == AnyOf((Keyword("a"), Equals(Field("artifact", "type"), "t")))


@pytest.mark.parametrize(
    ("given", "stage"),
    [({"stage": True}, Stage.DRAFTED), ({"stage": "all"}, Stage.ANY), ({"stage": False}, Stage.COMMITTED),
     ({"filters": {"version": "stage"}}, Stage.DRAFTED), ({"filters": {"version": "*"}}, Stage.ANY),
     ({"filters": {"stage": False}}, Stage.COMMITTED)],
)  # fmt: skip
def test_stages(given, stage):
    assert parse_query(**given).stage is stage


@pytest.mark.parametrize(
    ("text", "order"),
    [
        (None, Order()),
        ("view_count>", Order(Field("artifact", "view_count"), True)),
        ("last_modified<", Order(Field("artifact", "modified_at"))),
        ("manifest.likes>", Order(Field("manifest", "likes"), True)),
        ("nonsense>", Order(Field("artifact", "id"), True)),
    ],
)
def test_orders(text, order):
    assert parse_query(order_by=text).order == order


@pytest.mark.parametrize(
    "asked",
    [
        {"filters": {"nonsense": 1}},
        {"filters": {"manifest": "x"}},
        {"filters": {"manifest": {"a": {"$regex": "x"}}}},
        {"filters": {"manifest": {"$or": {}}}},
        {"filters": {"type": {"a": 1}}},
        {"filters": {"created_at": ["x", None]}},
        {"filters": {"created_at": [1]}},
        {"filters": {"version": "v3"}},
        {"filters": [1]},
        {"keywords": [1]},
        {"order_by": "manifest.a; DROP TABLE artifact"},
        {"order_by": "manifest."},
        {"order_by": 5},
        {"limit": -1},
        {"offset": "1"},
        {"limit": True},
        {"filters": {"manifest": {"$and": [{f"k{n}": n} for n in range(500)]}}},
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(asked):
    with pytest.raises(Invalid, match=r"Invalid"):
        parse_query(**asked)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["manifest", "config", "$and", "$or", "$in", "type", "created_at", "x"]), inner
        )
    ),
)


@given(anything, anything, anything, anything)
def test_no_input_gets_through_unparsed(filters, keywords, order_by, limit):
    with contextlib.suppress(Invalid):
        parse_query(filters=filters, keywords=keywords, order_by=order_by, limit=limit)
