"""The filter language: what it finds, and that any text is a filter or is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.errors import Invalid
from armarium.faces.ivcap.filters import holds, parse_filter, required
from armarium.faces.ivcap.mapping import moment_of, page_of, time_text

FIELDS = {
    "name": "Abc d'e", "size": 1000, "mime-type": "text/csv", "cloud-cover-pct": 3.2, "flag": True, "nothing": None,
    "created-at": moment_of("t", "2025-01-31T12:00:00.5Z"), "list": ["x"],
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "name ~= 'Abc%'", "name~='bc'", "name~=bc", "name ~= '%d''e'", "name = 'Abc d''e'", "size = 1000",
        'name eq "Abc d\'e"', "size > 999 and size<1001", "size ge 1000", "size != 5", "cloud-cover-pct<5",
        "flag = true",
        "name = x or size = 1000.0", "(name = x or size le 1000) and mime_type = text/csv", "mime-type ~= '%/%'",
        "created-at > '2025-01-31T12:00:00Z'", "created-at < 2025-01-31T13:00:01+00:30",
        "size != many",
    ],
)  # fmt: skip
def test_a_filter_that_holds(text):
    known = frozenset(FIELDS) if "_" in text else None
    assert holds(parse_filter(text, known), FIELDS)


@pytest.mark.parametrize(
    "text",
    [
        "name ~= 'abc%'", "name ~= ABC", "name ~= '_bc%'", "name = 'abc d''e'", "size = 'many'", "nothing = x",
        "absent != x",
        "list = x", "size > 5 and name = x", "name ~= 'Abc'  and size < 9", "created-at > 2025-02-01", "name ~= '%Abc'",
    ],
)  # fmt: skip
def test_a_filter_that_does_not_hold(text):
    assert not holds(parse_filter(text), FIELDS)


@pytest.mark.parametrize(
    "text",
    ["name", "name =", "= x", "name = = x", "(name = x", "name = x)", "name = 'x", "name like x", "name = x y",
     "and", "(" * 50 + "a=b" + ")" * 50, "created-at > noon", "x" * 5000, "name = x or"],
)  # fmt: skip
def test_what_is_no_filter_is_refused(text):
    with pytest.raises(Invalid) as refused:
        parse_filter(text)
    assert refused.value.field == "filter"


def test_only_fields_that_are_there_can_be_asked_for():
    with pytest.raises(Invalid, match="no field 'colour'"):
        parse_filter("colour = red", frozenset({"name"}))


signs = st.sampled_from([*"()=<>'\"%", "~=", "!=", "and", "or", "name", "size", "1000", " ", "created-at"])


@given(st.lists(signs, max_size=20).map(" ".join) | st.text(max_size=40))
def test_any_text_is_a_filter_or_is_refused(text):
    try:
        condition = parse_filter(text)
    except Invalid:
        return
    found = holds(condition, FIELDS)
    name = required(condition, "name", "=")
    assert not found or name in (None, FIELDS["name"])


@given(st.text(max_size=10), st.text(alphabet="ab%", max_size=6))
def test_a_pattern_means_what_its_parts_say(text, pattern):
    quoted = "'" + pattern.replace("'", "''") + "'"
    found = holds(parse_filter(f"name ~= {quoted}"), {"name": text})
    if "%" not in pattern:
        assert found == (pattern in text)
    elif pattern.strip("%") == "":
        assert found


def test_no_pattern_takes_exponential_time():
    assert not holds(parse_filter("name ~= '" + "%a" * 500 + "%b'"), {"name": "a" * 20_000})


@given(st.integers(0, 4_000_000_000_000_000))
def test_moments_are_printed_and_read(moment):
    assert moment_of("at-time", time_text(moment)) == moment


def test_a_moment_without_a_zone_is_utc():
    assert moment_of("t", "2025-01-01T00:00:00") == moment_of("t", "2025-01-01T00:00:00Z") == 1_735_689_600_000_000
    assert moment_of("t", "2025-01-01T01:00:00 01:00") == 1_735_689_600_000_000
    assert moment_of("t", "") is None
    with pytest.raises(Invalid):
        moment_of("t", "yesterday")


@pytest.mark.parametrize(
    "text", ["abc-_", "/1/aspects?page=abc-_", "http://x/1/aspects?page=abc-_&limit=5", "page=abc-_"]
)
def test_a_page_is_a_cursor_or_the_link_it_stood_in(text):
    assert page_of(text) == "abc-_"
