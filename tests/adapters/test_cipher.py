import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.adapters.cipher import AesGcmCipher
from armarium.domain.errors import Unavailable

OLD, NEW = b"o" * 32, b"n" * 32
cipher = AesGcmCipher(NEW)


@given(st.text(), st.text())
def test_what_is_sealed_opens_in_its_context(text, context):
    assert cipher.open(cipher.seal(text, context=context), context=context) == text


@given(st.text(), st.text(), st.text())
def test_what_is_sealed_opens_in_no_other_context(text, context, other):
    if other != context:
        with pytest.raises(Unavailable):
            cipher.open(cipher.seal(text, context=context), context=other)


@given(st.data())
def test_a_flipped_bit_is_noticed(data):
    sealed = bytearray(cipher.seal("a secret", context="c"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Unavailable):
        cipher.open(bytes(sealed), context="c")


def test_the_same_text_is_never_sealed_alike():
    assert cipher.seal("x", context="c") != cipher.seal("x", context="c")


def test_a_former_key_still_opens_and_no_longer_seals():
    sealed = AesGcmCipher(OLD).seal("x", context="c")
    rotated = AesGcmCipher(NEW, [OLD])
    assert rotated.open(sealed, context="c") == "x"
    with pytest.raises(Unavailable):
        AesGcmCipher(OLD).open(rotated.seal("x", context="c"), context="c")


@pytest.mark.parametrize("sealed", [b"", b"x", b"x" * 12, b"x" * 40])
def test_rubbish_is_refused(sealed):
    with pytest.raises(Unavailable):
        cipher.open(sealed, context="c")
