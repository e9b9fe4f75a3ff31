from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.auth.bearer import credential
from armarium.domain.errors import NotAuthenticated


def basic(text: str) -> bytes:
    return b"Basic " + b64encode(text.encode())


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (b"authorization", b"Bearer the-token"),
        (b"authorization", b"bearer   the-token "),
        (b"authorization", b"the-token"),
        (b"authorization", basic("git:the-token")),
        (b"authorization", basic(":the-token")),
        (b"x-api-key", b"the-token"),
        (b"cookie", b"a=b; access_token=the-token; c=d"),
        (b"cookie", b'access_token="the-token"'),
    ],
)
def test_a_credential_is_found_wherever_clients_put_it(header, value):
    assert credential([(b"host", b"x"), (header, value)]) == "the-token"


@pytest.mark.parametrize(
    "headers",
    [[], [(b"authorization", b"")], [(b"authorization", b"Bearer ")], [(b"authorization", basic("user:"))],
     [(b"authorization", basic("user"))], [(b"cookie", b"access_token=")], [(b"x-api-key", b" ")]],
)  # fmt: skip
def test_no_credential_is_none(headers):
    assert credential(headers) is None


def test_the_query_counts_only_where_a_route_says_so():
    assert credential([], query=b"a=1&token=the%2Dtoken") == "the-token"
    assert credential([(b"authorization", b"Bearer other")], query=b"token=the-token") == "the-token"
    assert credential([(b"authorization", b"Bearer other")], query=b"token=&x=token=") == "other"
    assert credential([]) is None


def test_headers_win_over_the_cookie():
    headers = [(b"cookie", b"access_token=c"), (b"x-api-key", b"k"), (b"authorization", b"Bearer b")]
    assert credential(headers) == "b"
    assert credential(headers[:2]) == "k"


@pytest.mark.parametrize("value", [b"Digest x", b"Basic !!!", b"Basic " + b64encode(b"\xff\xfe:x"), b"two words"])
def test_an_unreadable_header_is_refused_without_repeating_it(value):
    with pytest.raises(NotAuthenticated) as caught:
        credential([(b"authorization", value)])
    assert value.partition(b" ")[2].decode("latin-1") not in caught.value.message


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(authorization, cookie, query):
    try:
        found = credential([(b"authorization", authorization), (b"cookie", cookie)], query=query)
    except NotAuthenticated:
        return
    assert found is None or found.strip()


def test_a_cookie_counts_only_where_it_is_allowed():
    headers = [(b"cookie", b"access_token=c")]
    assert credential(headers) == "c"
    assert credential(headers, allow_cookie=False) is None
    assert credential([*headers, (b"authorization", b"Bearer b")], allow_cookie=False) == "b"
