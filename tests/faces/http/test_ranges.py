import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.file import ByteRange
from armarium.faces.http.ranges import UnsatisfiableRangeError, content_range, parse_range

SIZES = st.integers(0, 1 << 50)


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=0-0", 0, 0),
        ("bytes=99-99", 99, 99),
        ("bytes=90-", 90, 99),
        ("bytes=0-", 0, 99),
        ("bytes=90-1000", 90, 99),
        ("bytes=0-" + "9" * 5000, 0, 99),
        ("bytes=" + "0" * 5000 + "7-9", 7, 9),
        ("bytes=-10", 90, 99),
        ("bytes=-1000", 0, 99),
        ("Bytes=0-9", 0, 9),
        (" bytes = 0-9 ", 0, 9),
    ],
)
def test_a_single_range_is_cut_to_the_file(header, first, last):
    assert parse_range(header, 100) == ByteRange(first, last)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes=0--1",
        "bytes=-",
        "bytes=",
        "bytes",
        "bytes=--1",
        "bytes=9-5",
        "bytes=a-b",
        "bytes=1-2x",
        "bytes=1.0-2",
        "bytes=+1-2",
        "bytes=١-٢",
        "lines=0-9",
        "bytes=0-1,5-6",
        "bytes=200-300,0-1",
        "bytes: 0-9",
    ],
)
def test_what_is_malformed_or_manifold_means_the_whole_file(header):
    assert parse_range(header, 100) is None


@pytest.mark.parametrize(
    ("header", "size_bytes"),
    [
        ("bytes=100-", 100),
        ("bytes=100-200", 100),
        ("bytes=-0", 100),
        ("bytes=0-", 0),
        ("bytes=" + "9" * 5000 + "-", 100),
    ],
)
def test_a_range_without_a_byte_in_the_file_cannot_be_satisfied(header, size_bytes):
    with pytest.raises(UnsatisfiableRangeError):
        parse_range(header, size_bytes)


def test_the_end_of_an_empty_file_is_the_empty_file():
    assert parse_range("bytes=-5", 0) is None


@given(st.one_of(st.text(), st.text("bytes=0123456789-, ").map("bytes=".__add__)), SIZES)
def test_a_range_is_always_inside_the_file(header, size_bytes):
    try:
        span = parse_range(header, size_bytes)
    except UnsatisfiableRangeError:
        return
    assert span is None or 0 <= span.first <= span.last < size_bytes


@given(SIZES, st.data())
def test_a_range_that_fits_comes_back_as_asked(size_bytes, data):
    last = data.draw(st.integers(0, size_bytes))
    first = data.draw(st.integers(0, last))
    assert parse_range(f"bytes={first}-{last}", size_bytes + 1) == ByteRange(first, last)
    assert parse_range(f"bytes=-{size_bytes + 1 - first}", size_bytes + 1) == ByteRange(first, size_bytes)


def test_content_range_prints_the_span_or_only_the_size():
    assert content_range(ByteRange(0, 9), 100) == b"bytes 0-9/100"
    assert content_range(None, 100) == b"bytes */100"
