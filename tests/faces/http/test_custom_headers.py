"""An author's headers: harmless ones are sent, nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.faces.http.custom_headers import MOST, custom_headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Cache-Control", "max-age=60"),
        ("X-Custom", "yes"),
        ("Access-Control-Allow-Origin", "*"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Content-Security-Policy", "default-src 'self'"),
    ],
)
def test_harmless_headers_are_sent(name: str, value: str):
    assert custom_headers({name: value}) == [(name.lower().encode(), value.encode())]


@pytest.mark.parametrize(
    "name",
    [
        "Set-Cookie", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "X-Content-Type-Options",
        "Referrer-Policy", "Access-Control-Allow-Credentials", "Strict-Transport-Security", "Clear-Site-Data", "NEL",
        "Report-To", "Alt-Svc", "X-Accel-Redirect", "X-Sendfile", "X-Request-ID", "Service-Worker-Allowed",
        "WWW-Authenticate", "Location", "ETag", "", "Bad Name", "X-Bad\r\nSet-Cookie", "X-\u00e4",
    ],
)  # fmt: skip
def test_headers_that_mean_something_to_others_are_left_out(name: str):
    assert custom_headers({name: "1"}) == []


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=c", "a\nb", "a\x00b", "\u00e4", "x" * 5000])
def test_values_that_break_out_of_their_line_are_left_out(value: str):
    assert custom_headers({"X-Custom": value}) == []


def test_only_the_open_origin_may_be_named():
    assert custom_headers({"Access-Control-Allow-Origin": "https://evil.example"}) == []


def test_no_answer_drowns_in_headers():
    assert len(custom_headers({f"X-{n}": "1" for n in range(1000)})) == MOST


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40)))
def test_what_is_sent_is_always_one_line_of_ascii(wanted: dict[str, str]):
    for name, value in custom_headers(wanted):
        assert name.isascii()
        assert not set(name + value) & set(b"\r\n\x00")
