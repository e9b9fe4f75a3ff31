"""A plain HTTP client of the dataforce door, and an orbit with a collection to work in."""

import hashlib
from typing import Any

import pytest
import requests

from tests.faces.people import Person

WEIGHTS = b"weights, many of them; " * 500


class Api:
    """The door as one person uses it. root: `/v1` or nothing."""

    def __init__(self, web: requests.Session, url: str, token: str, root: str = "/v1") -> None:
        self._web = web
        self.base = f"{url}{root}"
        self._headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        address = path if path.startswith("http") else self.base + path
        headers = {**self._headers, **options.pop("headers", {})}
        return self._web.request(method, address, headers=headers, timeout=30, allow_redirects=False, **options)

    def ok(self, method: str, path: str, **options: Any) -> Any:
        """What a successful request answers; None for an empty body."""
        answer = self(method, path, **options)
        assert answer.status_code == (204 if not answer.content else 200), answer.text
        return answer.json() if answer.content else None

    def get(self, path: str, **query: Any) -> Any:
        return self.ok("GET", path, params=query)

    def post(self, path: str, **body: Any) -> Any:
        return self.ok("POST", path, json=body)

    def patch(self, path: str, **body: Any) -> Any:
        return self.ok("PATCH", path, json=body)

    def delete(self, path: str) -> Any:
        return self.ok("DELETE", path)

    def refused(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and detail of a request that must fail."""
        answer = self(method, path, **options)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["detail"]


class Shelf:
    """A collection, and what one does with artifacts in it."""

    def __init__(self, api: Api, organization: str, orbit: str, collection: dict[str, Any]) -> None:
        self.api = api
        self.organization = organization
        self.orbit_id = orbit
        self.collection = collection
        self.orbit = f"/organizations/{organization}/orbits/{orbit}"
        self.path = f"{self.orbit}/collections/{collection['id']}"
        self.artifacts = f"{self.path}/artifacts"

    def seen_by(self, api: Api) -> "Shelf":
        return Shelf(api, self.organization, self.orbit_id, self.collection)

    def announce(self, content: bytes = WEIGHTS, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.api.post(self.artifacts, **declaration(content, **body))
        return answer

    def upload(self, content: bytes = WEIGHTS, **body: Any) -> dict[str, Any]:
        """Announce, send and report one artifact; returns it as uploaded."""
        announced = self.announce(content, **body)
        assert put(announced["upload_details"]["url"], content).status_code == 200
        uploaded: dict[str, Any] = self.report(announced, "uploaded")
        return uploaded

    def at(self, artifact: dict[str, Any], rest: str = "") -> str:
        return f"{self.artifacts}/{artifact.get('artifact', artifact)['id']}{rest}"

    def report(self, artifact: dict[str, Any], status: str) -> Any:
        return self.api.patch(self.at(artifact), status=status)

    def read(self, artifact: dict[str, Any]) -> Any:
        return self.api.get(self.at(artifact))

    def download(self, artifact: dict[str, Any], **headers: str) -> requests.Response:
        return requests.get(self.api.get(self.at(artifact, "/download-url"))["url"], headers=headers, timeout=30)

    def page(self, **query: Any) -> Any:
        return self.api.get(f"{self.orbit}/artifacts", **{"collection_ids": self.collection["id"], **query})

    def names(self, **query: Any) -> list[str]:
        return [artifact["name"] for artifact in self.page(**query)["items"]]


def declaration(content: bytes, **body: Any) -> dict[str, Any]:
    known = {
        "file_name": "model.fnnx",
        "name": "model",
        "size": len(content),
        "file_hash": hashlib.sha256(content).hexdigest(),
        "file_index": {"manifest.json": [512, 20]},
        "manifest": {"variant": "pyfunc"},
        "extra_values": {},
        "description": None,
        "tags": None,
    }
    return {**known, **body}


def put(url: str, content: bytes) -> requests.Response:
    """Send bytes as the clients do: no content type, no credential."""
    return requests.put(url, data=content, timeout=30)


def organization_of(api: Api, person: Person) -> str:
    found = {organization["name"]: organization["id"] for organization in api.get("/users/me/organizations")}
    return found[person.workspace]


def a_shelf(api: Api, person: Person, **collection: Any) -> Shelf:
    """A fresh orbit of a person's home, with a collection."""
    organization = organization_of(api, person)
    bucket = api.get(f"/organizations/{organization}/bucket-secrets")[0]["id"]
    orbit = api.post(f"/organizations/{organization}/orbits", name="orbit", bucket_secret_id=bucket)["id"]
    described = {"name": "models", "description": "", "type": "mixed", "tags": [], **collection}
    made = api.post(f"/organizations/{organization}/orbits/{orbit}/collections", **described)
    return Shelf(api, organization, orbit, made)


@pytest.fixture
def api(web: requests.Session, url: str, ada: Person) -> Api:
    return Api(web, url, ada.token)


@pytest.fixture
def bobs_api(web: requests.Session, url: str, bob: Person) -> Api:
    return Api(web, url, bob.token)


@pytest.fixture
def shelf(api: Api, ada: Person) -> Shelf:
    return a_shelf(api, ada)
