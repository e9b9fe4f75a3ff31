"""Bucket secrets: kept sealed, named by orbits, never shown."""

from pathlib import Path
from typing import Any

import pytest
import requests

from armarium.testing.server import RunningServer
from tests.faces.dataforce.conftest import Api, Shelf

KEYS = {"access_key": "AKIA-visible-nowhere", "secret_key": "s3cr3t-visible-nowhere", "session_token": None}


@pytest.fixture
def secrets(shelf: Shelf) -> str:
    return f"/organizations/{shelf.organization}/bucket-secrets"


def test_keys_are_in_no_answer_and_not_readable_in_the_catalog(api: Api, secrets: str, armarium_server: RunningServer):
    body = {"endpoint": "https://s3.example.org", "bucket_name": "models", "secure": True, **KEYS}
    made = api.post(secrets, **body)
    shown = {key: made[key] for key in ("type", "endpoint", "bucket_name", "secure", "region", "orbits")}
    assert shown == {
        "type": "s3",
        "endpoint": "s3.example.org",
        "bucket_name": "models",
        "secure": True,
        "region": "us-east-1",
        "orbits": [],
    }
    answers = str([made, api.get(secrets), api.get(f"{secrets}/{made['id']}")])
    stored = b"".join(path.read_bytes() for path in Path(armarium_server.data).glob("catalog.sqlite*"))
    for key in ("AKIA-visible-nowhere", "s3cr3t-visible-nowhere"):
        assert key not in answers
        assert key.encode() not in stored


def test_a_bucket_secret_changes_in_part_and_goes(api: Api, secrets: str, shelf: Shelf):
    made = api.post(secrets, endpoint="e", bucket_name="one", region="eu", type="azure")
    changed = api.patch(f"{secrets}/{made['id']}", bucket_name="two")
    assert changed == {**made, "bucket_name": "two", "updated_at": changed["updated_at"]}
    api.post(secrets, endpoint="e", bucket_name="one")
    words = "Bucket secret with the given bucket name and endpoint already exists."
    assert api.refused("POST", secrets, json={"endpoint": "http://e", "bucket_name": "two"}) == (409, words)
    assert api.refused("PATCH", f"{secrets}/{made['id']}", json={"bucket_name": "one"}) == (409, words)
    api.patch(shelf.orbit, bucket_secret_id=made["id"])
    assert [orbit["id"] for orbit in api.get(f"{secrets}/{made['id']}")["orbits"]] == [shelf.orbit_id]
    refusal = (409, "Cannot delete bucket secret that is currently used by orbits")
    assert api.refused("DELETE", f"{secrets}/{made['id']}") == refusal
    api.patch(shelf.orbit, bucket_secret_id=api.get(secrets)[0]["id"])
    api.delete(f"{secrets}/{made['id']}")
    for method in ("GET", "DELETE"):
        assert api.refused(method, f"{secrets}/{made['id']}") == (404, "Secret not found")


def test_the_store_itself_is_a_bucket_that_stays_as_it_is(api: Api, secrets: str):
    own = api.get(secrets)[0]
    assert own["bucket_name"] == "armarium"
    assert api.refused("PATCH", f"{secrets}/{own['id']}", json={"region": "x"})[0] == 409
    assert api.refused("DELETE", f"{secrets}/{own['id']}")[0] == 409


def test_the_store_is_tried_before_a_bucket_is_made(api: Api):
    body: dict[str, Any] = {"endpoint": "e", "bucket_name": "abc"}
    urls = api.post("/bucket-secrets/urls", **body)
    content = b"0123456789abcdef"
    assert requests.get(urls["download_url"], timeout=10).status_code == 404
    assert requests.put(urls["presigned_url"], data=content, timeout=10).status_code == 200
    part = requests.get(urls["download_url"], headers={"range": "bytes=0-10"}, timeout=10)
    assert (part.status_code, part.content) == (206, content[:11])
    assert requests.put(urls["download_url"], data=content, timeout=10).status_code == 403
    assert requests.delete(urls["delete_url"], timeout=10).status_code == 204
    assert requests.get(urls["download_url"], timeout=10).status_code == 404
    assert api.refused("POST", "/bucket-secrets/urls", json={**body, "bucket_name": "ab"})[0] == 400
