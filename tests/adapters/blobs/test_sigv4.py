"""Signatures against the published example, and against another implementation."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import obstore
import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import S3Store

from armarium.adapters.blobs.sigv4 import AccessKey, UrlSigner

EXAMPLE = AccessKey(id="AKIAIOSFODNN7EXAMPLE", secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
MOMENT = datetime(2013, 5, 24, tzinfo=UTC)


def signed(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_the_published_example_comes_out():
    signer = UrlSigner("https://examplebucket.s3.amazonaws.com", EXAMPLE, "us-east-1")
    url = signer.sign("GET", "test.txt", now=MOMENT, expires_in=timedelta(days=1))
    assert signed(url)["X-Amz-Signature"] == "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"


@pytest.mark.parametrize("token", [None, "a/session+token=="])
@pytest.mark.parametrize("key", ["a", "some/where/a b+c~ü"])
def test_another_signer_signs_alike(key, token):
    store = S3Store(
        "bucket",
        config={"endpoint": "http://127.0.0.1:9000", "region": "eu-north-1", "virtual_hosted_style_request": False},
        credential_provider=lambda: {
            "access_key_id": EXAMPLE.id,
            "secret_access_key": EXAMPLE.secret,
            "token": token,
            "expires_at": None,
        },
    )
    theirs = signed(obstore.sign(store, "PUT", key, timedelta(minutes=5)))
    moment = datetime.strptime(theirs["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    own_key = AccessKey(id=EXAMPLE.id, secret=EXAMPLE.secret, session_token=token)
    signer = UrlSigner("http://127.0.0.1:9000/bucket", own_key, "eu-north-1")
    assert signed(signer.sign("PUT", key, now=moment, expires_in=timedelta(minutes=5))) == theirs


def test_nothing_is_signed_for_longer_than_a_week():
    url = UrlSigner("http://127.0.0.1/b", EXAMPLE, "x").sign("GET", "k", now=MOMENT, expires_in=timedelta(days=30))
    assert signed(url)["X-Amz-Expires"] == "604800"


@given(st.dictionaries(st.text(min_size=1).filter(lambda name: not name.startswith("X-Amz-")), st.text(), max_size=3))
def test_a_query_comes_out_as_it_went_in(query):
    signer = UrlSigner("http://127.0.0.1/b", EXAMPLE, "x")
    url = signer.sign("GET", "k", now=MOMENT, expires_in=timedelta(hours=1), query=query)
    found = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert {name: found[name] for name in query} == {name: [value] for name, value in query.items()}


def test_a_key_is_never_printed():
    assert EXAMPLE.secret not in repr(EXAMPLE)
    assert EXAMPLE.id not in repr(EXAMPLE)
