"""Secrets: with the unmodified client and with ours, and who is told them."""

import time

import pytest
from ivcap_client.api.secret import secret_get, secret_set
from ivcap_client.models.set_secret_request_t import SetSecretRequestT

from armarium import IVCAP, IvcapApiError, NotAuthorizedException
from tests.faces.people import a_person, signed_token


@pytest.fixture
def person():
    return a_person("keeper")


@pytest.fixture
def ours(url, person):
    return IVCAP(url=url, token=person.token)


def status_of(call, *arguments, **options):
    with pytest.raises(IvcapApiError) as raised:
        call(*arguments, **options)
    return raised.value.status_code


def test_the_unmodified_client_sets_reads_and_lists_secrets(client_of, person):
    ivcap = client_of(person)
    wanted = SetSecretRequestT(secret_name="db", secret_value="pässword", expiry_time=0, secret_type="raw")
    assert secret_set.sync_detailed(client=ivcap._client, body=wanted).status_code == 204
    read = secret_get.sync(client=ivcap._client, secret_name="db")
    assert (read.secret_name, read.secret_value, read.expiry_time) == ("db", "pässword", 0)
    (listed,) = ivcap.list_secrets()
    assert (listed.secret_name, listed.secret_type, listed.expiry_time) == ("db", "raw", 0)
    assert secret_get.sync_detailed(client=ivcap._client, secret_name="db", secret_type="other").status_code == 404
    missing = secret_get.sync_detailed(client=ivcap._client, secret_name="nothing")
    assert (missing.status_code, missing.parsed.id) == (404, "nothing")
    assert missing.parsed.message


def test_a_listing_goes_over_pages_and_shows_no_values(client_of, person, ours):
    for number in range(60):
        ours.set_secret(f"key-{number:02}", f"VALUE{number}")
    assert [one.secret_name for one in client_of(person).list_secrets(limit=100)] == [f"key-{n:02}" for n in range(60)]
    assert [one.name for one in ours.list_secrets(filter="^key-0[1-3]$", limit=None)] == ["key-01", "key-02", "key-03"]
    assert len(list(ours.list_secrets(filter="key", limit=None))) == 60
    assert status_of(lambda: list(ours.list_secrets(filter="("))) == 422


def test_a_listing_and_the_errors_hold_no_value(door):
    assert door("POST", "/1/secrets", json={"secret-name": "a", "secret-value": "VALUE"}).status_code == 204
    assert "VALUE" not in door("GET", "/1/secrets/list").text
    refused = door("POST", "/1/secrets", json={"secret-name": "", "secret-value": "VALUE"})
    assert (refused.status_code, refused.json()["name"]) == (422, "secret-name")
    assert "VALUE" not in refused.text
    assert door("POST", "/1/secrets", json={"secret-name": "a"}).status_code == 422
    assert door("POST", "/1/secrets", data=b"VALUE").status_code == 400
    assert door("POST", "/1/secrets", data=rb'{"secret-name": "a", "secret-value": "\ud800"}').status_code == 400
    assert door("POST", "/1/secrets", json={"secret-name": "a", "secret-value": "x" * 70_000}).status_code == 413
    assert door("GET", "/1/secrets?secret-name=%00").status_code == 404


def test_a_secret_is_replaced_and_ends_with_its_expiry(ours):
    ours.set_secret("token", "one")
    ours.set_secret("token", "two", expiry=int(time.time()) + 3600)
    assert ours.get_secret("token") == "two"
    ours.set_secret("token", "three", expiry=1)
    assert status_of(ours.get_secret, "token") == 404
    assert list(ours.list_secrets()) == []
    assert status_of(ours.set_secret, "token", "x", expiry=-1) == 422


def test_only_who_may_write_in_the_account_is_told(url, person, ours):
    ours.set_secret("mine", "VALUE")
    other = IVCAP(url=url, token=a_person("other").token)
    assert status_of(other.get_secret, "mine") == 404
    assert list(other.list_secrets()) == []
    reader = signed_token(sub=a_person("guest").id, scope=f"ws:{person.workspace}#r wid:{person.workspace}")
    reading = IVCAP(url=url, token=reader)
    for call in (lambda: reading.get_secret("mine"), lambda: list(reading.list_secrets())):
        with pytest.raises(NotAuthorizedException):
            call()
    assert status_of(reading.set_secret, "mine", "x") == 403
    assert ours.get_secret("mine") == "VALUE"
