import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.faces.http.conditional import Validators, http_date, http_time, range_holds, refusal

NOW = 784_111_777.6  # Sun, 06 Nov 1994 08:49:37.6 GMT
DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = b"Sun, 06 Nov 1994 08:49:36 GMT"
LATER = b"Sun, 06 Nov 1994 08:49:38 GMT"
HAVE = Validators(etag="abc", modified_at=NOW)


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        ({}, None),
        ({b"if-none-match": b'"abc"'}, 304),
        ({b"if-none-match": b'W/"abc"'}, 304),
        ({b"if-none-match": b'"x", W/"y" , "abc"'}, 304),
        ({b"if-none-match": b"*"}, 304),
        ({b"if-none-match": b'"abcd"'}, None),
        ({b"if-none-match": b"abc"}, None),
        ({b"if-none-match": b""}, None),
        ({b"if-match": b'"abc"'}, None),
        ({b"if-match": b"*"}, None),
        ({b"if-match": b'"x", "abc"'}, None),
        ({b"if-match": b'W/"abc"'}, 412),
        ({b"if-match": b'"x"'}, 412),
        ({b"if-modified-since": DATE}, 304),
        ({b"if-modified-since": LATER}, 304),
        ({b"if-modified-since": EARLIER}, None),
        ({b"if-modified-since": b"yesterday"}, None),
        ({b"if-unmodified-since": DATE}, None),
        ({b"if-unmodified-since": EARLIER}, 412),
        ({b"if-unmodified-since": b"yesterday"}, None),
    ],
)
def test_each_condition_alone(conditions, status):
    assert refusal(conditions, HAVE) == status


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        ({b"if-none-match": b'"x"', b"if-modified-since": DATE}, None),
        ({b"if-match": b'"abc"', b"if-unmodified-since": EARLIER}, None),
        ({b"if-match": b'"x"', b"if-none-match": b'"abc"'}, 412),
        ({b"if-match": b'"abc"', b"if-none-match": b'"abc"'}, 304),
    ],
)
def test_a_tag_goes_before_a_date_and_a_match_before_a_mismatch(conditions, status):
    assert refusal(conditions, HAVE) == status


@pytest.mark.parametrize(
    ("if_range", "holds"),
    [
        (None, True),
        (b'"abc"', True),
        (b' "abc" ', True),
        (DATE, True),
        (b'W/"abc"', False),
        (b'"x"', False),
        (EARLIER, False),
        (LATER, False),
        (b"abc", False),
        (b"", False),
    ],
)
def test_a_range_holds_only_for_exactly_the_same_file(if_range, holds):
    assert range_holds({} if if_range is None else {b"if-range": if_range}, HAVE) is holds


@pytest.mark.parametrize("date", [DATE, b"Sunday, 06-Nov-94 08:49:37 GMT", b"Sun Nov  6 08:49:37 1994"])
def test_all_three_forms_of_a_date_are_read(date):
    assert http_time(date) == int(NOW)


@given(st.integers(0, 253_402_300_799))
def test_a_date_that_was_printed_is_read_back(seconds):
    assert http_time(http_date(seconds)) == seconds


@given(st.binary())
def test_any_bytes_may_stand_where_a_date_should(noise):
    assert http_time(noise) is None or isinstance(http_time(noise), int)
