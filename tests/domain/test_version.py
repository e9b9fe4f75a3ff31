import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.errors import AlreadyExists, Invalid, NotFound
from armarium.domain.version import Version, checked_label, new_label, pick_version


def versions(*labels):
    return tuple(Version(f"id-{label}", label, n, "", 0, 0, 0) for n, label in enumerate(labels))


def test_the_next_label_counts_versions():
    assert new_label(versions(), None) == "v0"
    assert new_label(versions("v0", "v5"), None) == "v2"


def test_the_next_label_never_collides_after_deletions():
    assert new_label(versions("v1", "v2"), None) == "v3"


@given(st.lists(st.sampled_from([f"v{n}" for n in range(8)]), unique=True))
def test_the_next_label_is_always_free(labels):
    assert new_label(versions(*labels), None) not in labels


def test_a_taken_label_is_refused():
    with pytest.raises(AlreadyExists, match="Version 'v0' already exists"):
        new_label(versions("v0"), "v0")


@pytest.mark.parametrize("label", ["", "stage", "new", "latest", "a/b", "x" * 65, "a\nb"])
def test_a_label_nobody_could_ask_for_is_refused(label):
    with pytest.raises(Invalid):
        checked_label(label)


def test_versions_are_picked_by_label_index_or_as_latest():
    both = versions("v0", "1")
    assert pick_version(both, None) == pick_version(both, "latest") == both[1]
    assert pick_version(both, 0) == both[0]
    assert pick_version(both, "1") == both[1]
    assert pick_version((), None) is None


def test_digits_are_a_label_and_not_an_index():
    with pytest.raises(NotFound, match="Artifact version '0' does not exist"):
        pick_version(versions("v0"), "0")


def test_a_negative_index_is_refused():
    with pytest.raises(Invalid, match="non-negative"):
        pick_version(versions("v0"), -1)


@pytest.mark.parametrize("selector", [True, 1.0, ["v0"]])
def test_other_selectors_are_refused(selector):
    with pytest.raises(Invalid):
        pick_version(versions("v0", "v1"), selector)
