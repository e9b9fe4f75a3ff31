from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.sort_keys import equal_keys, sort_key, value_of

numbers = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False))
scalars = st.one_of(st.booleans(), numbers, st.text(max_size=300))


@given(numbers, numbers)
def test_numbers_sort_as_numbers(a, b):
    assert (sort_key(a) < sort_key(b)) == (a < b)


@given(st.text(max_size=50), st.text(max_size=50))
def test_short_texts_sort_as_texts(a, b):
    assert (sort_key(a) < sort_key(b)) == (a < b)


@given(st.booleans(), numbers, st.text())
def test_booleans_come_before_numbers_before_text(boolean, number, text):
    assert sort_key(boolean) < sort_key(number) < sort_key(text)


@given(scalars, scalars)
def test_equal_keys_mean_equal_values_of_one_kind(a, b):
    same_kind = isinstance(a, str) == isinstance(b, str) and isinstance(a, bool) == isinstance(b, bool)
    assert (sort_key(a) == sort_key(b)) == (same_kind and a == b)


@given(scalars)
def test_a_key_gives_its_value_back(value):
    assert value_of(sort_key(value), value if isinstance(value, str) else None) == value


def test_texts_that_differ_only_far_behind_stay_different():
    assert sort_key("x" * 300 + "a") != sort_key("x" * 300 + "b")


def test_zero_has_one_key():
    assert sort_key(0) == sort_key(-0.0) == sort_key(0.0)


def test_a_spelled_number_equals_the_number():
    assert sort_key(1) in equal_keys("1")
    assert sort_key(True) in equal_keys("true")
    assert equal_keys("nan") == (sort_key("nan"),)
    assert sort_key(1) not in equal_keys(" 1")
    assert sort_key("1") not in equal_keys(1)
