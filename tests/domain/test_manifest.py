import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.errors import Invalid, TooLarge
from armarium.domain.manifest import (
    MAX_SCALARS,
    IndexedScalar,
    check_known_fields,
    check_searchable,
    encode_json,
    scalars,
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), json_values, max_size=5))
def test_json_is_stored_as_it_was_given(value):
    assert msgspec.json.decode(encode_json("manifest", value)) == value


def test_numbers_json_does_not_know_are_spelled_out():
    stored = encode_json("manifest", {"a": math.inf, "b": [-math.inf, math.nan], "c": {"d": (1, 2)}})
    assert msgspec.json.decode(stored) == {"a": "Infinity", "b": ["-Infinity", "NaN"], "c": {"d": [1, 2]}}


def test_keys_become_text():
    assert msgspec.json.decode(encode_json("manifest", {1: "one"})) == {"1": "one"}


@pytest.mark.parametrize("value", [{"a": {1, 2}}, {"a": object()}, {"a": b"bytes"}, {"a": "nul\0"}, {"a": "\ud800"}])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(Invalid, match="Invalid manifest"):
        encode_json("manifest", value)


def test_bottomless_values_are_refused():
    value = {}
    for _ in range(200):
        value = {"deeper": value}
    with pytest.raises(Invalid, match="nested"):
        encode_json("manifest", value)


def test_huge_values_are_refused():
    with pytest.raises(TooLarge, match="4 MiB"):
        encode_json("config", {"a": "x" * (5 * 1024 * 1024)})


def test_scalars_have_dotted_paths_and_arrays_have_elements():
    assert list(scalars({"a": {"b": 1}, "tags": ["x", None, {"y": 1}], "n": None})) == [
        IndexedScalar("a.b", False, 1),
        IndexedScalar("tags", True, "x"),
    ]


@pytest.mark.parametrize("manifest", [{"tags": "one"}, {"tags": [1]}, {"name": 5}, {"authors": ["Ada"]}])
def test_well_known_fields_have_their_types(manifest):
    with pytest.raises(Invalid, match="Invalid manifest"):
        check_known_fields(manifest)


def test_other_fields_are_free():
    check_known_fields({"name": "x", "tags": [], "authors": [{"name": "Ada"}], "anything": object()})


def test_more_values_than_a_search_indexes_are_refused():
    check_searchable("manifest", {"a": list(range(MAX_SCALARS))})
    with pytest.raises(TooLarge, match="keep long tables in a file"):
        check_searchable("manifest", {"a": list(range(MAX_SCALARS)), "b": 1})
