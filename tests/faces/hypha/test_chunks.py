import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.errors import Invalid, NotFound, TooLarge
from armarium.faces.hypha.chunks import ChunkLimits, Reassembly


def reassembly(clock=lambda: 0.0, **limits):
    return Reassembly(ChunkLimits(**limits), clock)


@given(st.lists(st.binary(max_size=20), min_size=1), st.randoms())
def test_pieces_in_any_order_make_the_message(pieces, random):
    messages = reassembly()
    messages.create("k")
    numbered = list(enumerate(pieces))
    random.shuffle(numbered)
    for number, piece in numbered:
        messages.set("k", number, piece)
    assert messages.take("k") == b"".join(pieces)
    assert not messages


def test_a_message_with_a_missing_piece_is_refused_and_forgotten():
    messages = reassembly()
    messages.create("k")
    messages.set("k", 1, b"second")
    with pytest.raises(Invalid):
        messages.take("k")
    with pytest.raises(NotFound):
        messages.take("k")


def test_a_piece_sent_twice_counts_once():
    messages = reassembly()
    messages.create("k")
    for _ in range(3):
        messages.set("k", 0, b"12345")
    assert messages.size_bytes == 5


def test_appended_pieces_keep_their_order():
    messages = reassembly()
    messages.create("k")
    messages.append("k", b"a")
    messages.append("k", b"b")
    assert messages.take("k") == b"ab"


@pytest.mark.parametrize(("index", "data"), [(-1, b""), (10**9, b""), ("0", b""), (0, "text"), (0, None)])
def test_a_piece_that_is_none_is_refused(index, data):
    messages = reassembly()
    messages.create("k")
    with pytest.raises(Invalid):
        messages.set("k", index, data)


@pytest.mark.parametrize("key", ["", "x" * 300, 5, None, ["k"]])
def test_a_key_is_a_short_text(key):
    with pytest.raises(Invalid):
        reassembly().create(key)
    with pytest.raises(NotFound):
        reassembly().append(key, b"")


def test_a_message_over_the_limit_is_dropped():
    messages = reassembly(total_bytes=10)
    messages.create("k")
    messages.set("k", 0, b"1234567")
    with pytest.raises(TooLarge):
        messages.set("k", 1, b"1234567")
    assert messages.size_bytes == 0


def test_only_so_many_messages_are_kept_until_they_expire():
    now = [0.0]
    messages = reassembly(lambda: now[0], messages=2, idle_seconds=60)
    messages.create("a")
    messages.create("b")
    with pytest.raises(TooLarge):
        messages.create("c")
    now[0] = 61.0
    messages.create("c")
    assert len(messages) == 1
