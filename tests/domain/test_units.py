import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.errors import Invalid
from armarium.domain.units import format_duration, parse_duration, parse_size


@given(st.integers(0, 36525 * 86_400_000))
def test_a_written_duration_reads_back(milliseconds):
    duration = timedelta(milliseconds=milliseconds)
    read = parse_duration(format_duration(duration))
    assert abs(read - duration) <= timedelta(microseconds=100)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("90s", 90),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("2d", 172800),
        ("500ms", 0.5),
        ("1W", 604800),
    ],
)
def test_durations_are_read_as_people_write_them(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "-1s", "1 parsec", "1h-", "nan", "inf", "99999999999d", "1e5", "s", "½h", "1" * 500]
)
def test_other_durations_are_refused(text):
    with pytest.raises(Invalid):
        parse_duration(text)


@given(st.text(max_size=30))
def test_any_text_is_a_duration_or_invalid(text):
    with contextlib.suppress(Invalid):
        assert parse_duration(text) >= timedelta(0)


@given(st.integers(0, 2**62))
def test_a_plain_number_is_a_size_in_bytes(number):
    assert parse_size(str(number)) == number


@pytest.mark.parametrize(
    ("text", "size"), [("1 kB", 1000), ("1KiB", 1024), ("512MiB", 536870912), ("1.5gb", 1_500_000_000), ("7b", 7)]
)
def test_sizes_have_units(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "MB", "1 M", "1e9", "ten", "1" * 40])
def test_other_sizes_are_refused(text):
    with pytest.raises(Invalid):
        parse_size(text)
