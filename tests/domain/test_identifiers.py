import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.errors import Invalid
from armarium.domain.identifiers import ByAlias, ById, checked_alias, checked_workspace, parse_ref

UUID = "01a20032-4740-7124-b014-9ae62cc7160f"
aliases = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,40}", fullmatch=True)


@given(aliases)
def test_an_alias_round_trips_through_its_name(alias):
    checked_alias(alias)
    assert parse_ref(f"ws/{alias}", "other") == ByAlias("ws", alias)
    assert parse_ref(alias, "here") == ByAlias("here", alias)


def test_a_uuid_is_an_id():
    assert parse_ref(UUID, "here") == ById(UUID)


@pytest.mark.parametrize("name", ["", "a/b/c", "/a", "a/", "/"])
def test_a_name_with_other_slashes_is_refused(name):
    with pytest.raises(Invalid, match="Invalid artifact ID format"):
        parse_ref(name, "here")


@pytest.mark.parametrize("alias", ["-", "~", "_"])
def test_reserved_aliases_are_refused(alias):
    with pytest.raises(Invalid, match="reserved"):
        checked_alias(alias)


@pytest.mark.parametrize("alias", [".", "..", "a b", "a?b", "a#b", "a\n", "", "a/b", "%2e", "ünïcode", ".hidden"])
def test_aliases_that_break_urls_or_paths_are_refused(alias):
    with pytest.raises(Invalid, match="alias"):
        checked_alias(alias)


def test_long_aliases_and_uuids_are_refused_in_words():
    with pytest.raises(Invalid, match="too long"):
        checked_alias("x" * 65)
    with pytest.raises(Invalid, match="cannot be a UUID"):
        checked_alias(UUID)


@pytest.mark.parametrize("name", ["", "a/b", "-x", "a b", "x" * 200])
def test_workspace_names_are_checked(name):
    with pytest.raises(Invalid):
        checked_workspace(name)
