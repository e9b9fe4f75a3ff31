"""What owners write, made short and harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.web.cards import list_of_texts, text_of, web_link
from armarium.web.words import count, size


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (15_000, "15 kB"),
        (999_600, "1.0 MB"),
        (5_400_000_000_000, "5.4 TB"),
    ],
)
def test_sizes_are_rounded_for_people(size_bytes: int, shown: str):
    assert size(size_bytes) == shown


def test_one_is_counted_without_an_s():
    assert [count(n, "file") for n in (0, 1, 2.5, 12_000)] == ["0 files", "1 file", "2.5 files", "12,000 files"]


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "//host/x", "x", "", "file:///etc/passwd", "http://[x"]
)
def test_only_links_to_pages_are_links(link: str):
    assert web_link(link) is None
    assert web_link("https://example.org/a") == "https://example.org/a"


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_any_value_of_a_manifest_can_be_shown(value: object):
    assert isinstance(text_of(value), str)
    assert all(isinstance(item, str) and item for item in list_of_texts(value))
