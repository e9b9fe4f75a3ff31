"""A caller of this door, by either prefix."""

import base64
import time
from typing import Any

import pytest
import requests

from tests.faces.people import Person, a_person

MADE = ("completed", "failed", "cancelled")


class Visitor:
    """Somebody with an API key."""

    def __init__(self, web: requests.Session, base: str, headers: dict[str, str]) -> None:
        self.web = web
        self.base = base
        self.headers = headers

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = self.headers | options.pop("headers", {})
        return self.web.request(method, self.base + path, headers=headers, timeout=60, **options)

    def ok(self, method: str, path: str, **options: Any) -> Any:
        answer = self.ask(method, path, **options)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def space(self, name: str = "Lab") -> str:
        return self.ok("POST", "/spaces", json={"name": name})["space_id"]

    def generate(self, space: str, **body: Any) -> dict[str, Any]:
        given = {"name": "An artifact"} | body
        if isinstance(given.get("content"), bytes):
            given["content"] = base64.b64encode(given["content"]).decode()
        return self.ok("POST", f"/spaces/{space}/artifacts/generate", json=given)

    def made(self, space: str, **body: Any) -> dict[str, Any]:
        """Generate, and wait until it is final."""
        artifact = self.generate(space, **body)
        while artifact["status"] not in MADE:
            time.sleep(0.05)
            artifact = self.ok("GET", f"/spaces/{space}/artifacts/{artifact['id']}")
        return artifact

    def content(self, artifact: dict[str, Any]) -> bytes:
        answer = self.ask("GET", f"/spaces/{artifact['space_id']}/artifacts/{artifact['id']}/download")
        assert answer.status_code == 200, answer.text
        return answer.content


@pytest.fixture(params=["/v1", "/api-proxy/v1"])
def prefix(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def visitor(web: requests.Session, url: str, ada: Person, prefix: str) -> Visitor:
    return Visitor(web, url + prefix, {"X-API-Key": ada.token})


@pytest.fixture
def other(web: requests.Session, url: str, prefix: str) -> Visitor:
    return Visitor(web, url + prefix, {"X-API-Key": a_person("eve").token})


@pytest.fixture
def once(web: requests.Session, url: str, ada: Person) -> Visitor:
    """A visitor by the first prefix alone, where the second would show nothing new."""
    return Visitor(web, url + "/v1", {"X-API-Key": ada.token})
