from hypothesis import given
from hypothesis import strategies as st

from armarium.domain import token_text

secrets = st.binary(min_size=32, max_size=32)


@given(secrets)
def test_a_token_is_recognised(secret):
    text = token_text.spell(secret)
    assert token_text.is_token(text)
    assert text.startswith("arm_")
    assert text[4:].isalnum()


@given(secrets, secrets)
def test_different_secrets_are_spelled_differently(one, other):
    assert (token_text.spell(one) == token_text.spell(other)) == (one == other)


@given(secrets, st.data())
def test_a_mistyped_character_is_noticed(secret, data):
    text = token_text.spell(secret)
    place = data.draw(st.integers(4, len(text) - 1))
    other = data.draw(st.sampled_from("abcXYZ019é").filter(lambda c: c != text[place]))
    assert not token_text.is_token(text[:place] + other + text[place + 1 :])


@given(st.text(max_size=60))
def test_other_text_is_no_token(text):
    assert not token_text.is_token(text)
