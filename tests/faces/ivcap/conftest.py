"""The unmodified IVCAP client from PyPI against the server all doors share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from ivcap_client.ivcap import IVCAP

from tests.faces.people import Person


class Door:
    """Plain requests as one person; answers are checked by who asks."""

    def __init__(self, url: str, who: Person | None) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._url = url
        self._session.headers.update(who.headers if who else {})

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        return self._session.request(method, self._url + path, timeout=60, allow_redirects=False, **options)

    def created(self, length: int | None, **headers: str) -> dict[str, Any]:
        size = str(length) if length is not None else "-1"
        answer = self(
            "POST", "/1/artifacts", headers={"X-Content-Length": size, "X-Content-Type": "text/plain", **headers}
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    def patch(self, path: str, offset: int, body: bytes, **headers: str) -> requests.Response:
        usual = {
            "Tus-Resumable": "1.0.0", "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream",
        }  # fmt: skip
        return self("PATCH", path, data=body, headers=usual | headers)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Clients take what they are told, and leave their marks where nobody else looks."""
    for name in ("IVCAP_URL", "IVCAP_BASE_URL", "IVCAP_JWT", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def client_of(url: str) -> Callable[[Person], Any]:
    return lambda person: IVCAP(url=url, token=person.token)


@pytest.fixture
def ivcap(client_of: Callable[[Person], Any], ada: Person) -> Any:
    """The client as Ada uses it."""
    return client_of(ada)


@pytest.fixture
def door(url: str, ada: Person) -> Door:
    return Door(url, ada)


@pytest.fixture
def bobs_door(url: str, bob: Person) -> Door:
    return Door(url, bob)


@pytest.fixture
def strangers_door(url: str) -> Door:
    return Door(url, None)
