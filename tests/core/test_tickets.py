import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.core.signing import Signer
from armarium.core.tickets import Download, PartUpload, Tickets, Upload
from armarium.domain.errors import Forbidden, NotAuthenticated
from armarium.domain.file import BlobId

tickets = Tickets(Signer(b"k" * 32))
words = st.text(max_size=60)
sizes = st.integers(0, 2**62)
times = st.integers(1, 2**40)
downloads = st.builds(
    Download,
    blob_id=words.map(BlobId),
    size_bytes=sizes,
    content_type=words,
    filename=words,
    expires_at=times,
    modified_at=st.floats(0, 1e12),
    inline=st.booleans(),
)
uploads = st.builds(Upload, slot=words, expires_at=times, size_bytes=st.none() | sizes, sha256=st.none() | words)
parts = st.builds(PartUpload, upload_id=words, part_number=sizes, expires_at=times)
any_ticket = downloads | uploads | parts


@given(any_ticket)
def test_a_ticket_is_redeemed_as_it_was_issued(ticket):
    text = tickets.issue(ticket)
    assert tickets.redeem(text, type(ticket), now=0) == ticket
    assert text.isascii()
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(any_ticket, st.data())
def test_no_changed_character_is_accepted(ticket, data):
    text = tickets.issue(ticket)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda c: c != text[place]))
    with pytest.raises(NotAuthenticated):
        tickets.redeem(text[:place] + other + text[place + 1 :], type(ticket), now=0)


@given(any_ticket, st.data())
def test_no_flipped_bit_is_accepted(ticket, data):
    text = tickets.issue(ticket).encode()
    bit = data.draw(st.integers(0, len(text) * 8 - 1))
    changed = bytearray(text)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NotAuthenticated):
        tickets.redeem(changed.decode("latin-1"), type(ticket), now=0)


@given(st.text(max_size=300))
def test_invented_text_is_refused(text):
    with pytest.raises(NotAuthenticated):
        tickets.redeem(text, Download, now=0)


@given(any_ticket, st.sampled_from([Download, Upload, PartUpload]))
def test_kinds_cannot_be_swapped(ticket, kind):
    if not isinstance(ticket, kind):
        with pytest.raises(Forbidden):
            tickets.redeem(tickets.issue(ticket), kind, now=0)


@given(any_ticket)
def test_another_key_refuses_the_ticket(ticket):
    with pytest.raises(NotAuthenticated):
        Tickets(Signer(b"l" * 32)).redeem(tickets.issue(ticket), type(ticket), now=0)


@pytest.mark.parametrize(("now", "good"), [(99.9, True), (100, False), (1e12, False)])
def test_a_ticket_is_good_until_it_expires(now, good):
    ticket = Upload(slot="s", expires_at=100)
    text = tickets.issue(ticket)
    if good:
        assert tickets.redeem(text, Upload, now=now) == ticket
    else:
        with pytest.raises(NotAuthenticated, match="expired"):
            tickets.redeem(text, Upload, now=now)


def test_padding_and_other_spellings_are_refused():
    text = tickets.issue(PartUpload("u", 1, 100))
    for other in (text + "=", text + "A", "=" + text, text[:-22] + "=" + text[-22:], text.swapcase(), ""):
        with pytest.raises(NotAuthenticated):
            tickets.redeem(other, PartUpload, now=0)
