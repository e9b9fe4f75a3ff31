"""How a file is described to whoever fetches it."""

import re
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.media import content_disposition, content_type_header


@pytest.mark.parametrize(
    ("content_type", "sent"),
    [
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/html; charset=latin-1", "text/html; charset=latin-1"),
        ("application/json", "application/json"),
        ("image/svg+xml", "image/svg+xml"),
        ('multipart/mixed; boundary="a "', 'multipart/mixed; boundary="a "'),
        ("", "application/octet-stream"),
        ("text", "application/octet-stream"),
        ("text/plain\r\nset-cookie: x=1", "application/octet-stream"),
        ("text/plain; x=y\n", "application/octet-stream"),
        ("text/é", "application/octet-stream"),
    ],
)
def test_a_content_type_is_a_media_type_or_bytes(content_type, sent):
    assert content_type_header(content_type) == sent


@pytest.mark.parametrize(
    ("filename", "inline", "sent"),
    [
        (None, True, "inline"),
        (None, False, "attachment"),
        ("a b.txt", False, 'attachment; filename="a b.txt"'),
        ("dir/a.txt", True, 'inline; filename="a.txt"'),
        ("..\\a.txt", True, 'inline; filename="a.txt"'),
        ('a"b.txt', False, "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"),
        ("Übung.txt", False, "attachment; filename=\"_bung.txt\"; filename*=UTF-8''%C3%9Cbung.txt"),
        ("100%25.txt", False, "attachment; filename=\"100_25.txt\"; filename*=UTF-8''100%2525.txt"),
        ("a\r\nset-cookie: x=1", False, 'attachment; filename="aset-cookie: x=1"'),
        ("exe\u202etxt.exe", False, 'attachment; filename="exetxt.exe"'),
        ("\ud800", False, "attachment"),
    ],
)
def test_a_file_name_is_safe_to_send_and_to_save(filename, inline, sent):
    assert content_disposition(filename, inline=inline) == sent


@given(st.text())
def test_no_file_name_breaks_the_header(filename):
    sent = content_disposition(filename, inline=False)
    assert re.fullmatch(
        r"attachment(; filename=\"[^\"\\\x00-\x1f\x7f]*\"(; filename\*=UTF-8''[\w!#$&+.^`|~%-]*)?)?", sent
    )
    message = Message()
    message["content-disposition"] = sent
    saved = message.get_filename("")
    assert "/" not in saved
    assert "\\" not in saved
