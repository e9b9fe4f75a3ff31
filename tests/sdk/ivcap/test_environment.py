"""Which service a client talks to."""

from pathlib import Path
from typing import Any

import pytest

from armarium import IVCAP, AsyncIVCAP

NAMES = ("IVCAP_URL", "IVCAP_BASE_URL", "IVCAP_JWT", "IVCAP_ACCOUNT_ID", "IVCAP_LOCAL_DIR")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=[IVCAP, AsyncIVCAP])
def client(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_without_any_word_it_works_in_a_folder_and_makes_none_yet(client: Any, tmp_path: Path):
    assert client().url is None
    assert list(tmp_path.iterdir()) == []


def test_the_folder_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("IVCAP_LOCAL_DIR", str(tmp_path / "mine"))
    (tmp_path / "a.txt").write_text("x")
    assert IVCAP().upload_artifact(name="a.txt", file_path="a.txt").id == f"urn:file://{tmp_path}/mine/artifacts/a.txt"


def test_a_token_without_a_url_is_refused(client: Any):
    with pytest.raises(ValueError, match="url"):
        client(token="t")


def test_a_url_without_a_token_is_refused(client: Any, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValueError, match="token"):
        client(url="http://ivcap.example")
    monkeypatch.setenv("IVCAP_URL", "http://ivcap.example")
    with pytest.raises(ValueError, match="token"):
        client()


def test_url_and_token_come_from_arguments_or_from_the_environment(client: Any, monkeypatch: pytest.MonkeyPatch):
    assert client("http://ivcap.example/", "t").url == "http://ivcap.example"
    monkeypatch.setenv("IVCAP_URL", "http://other.example")
    monkeypatch.setenv("IVCAP_JWT", "t")
    assert client().url == "http://other.example"
    assert client(url="http://ivcap.example").url == "http://ivcap.example"


def test_inside_a_deployment_no_token_is_needed_and_a_public_url_wins(client: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IVCAP_BASE_URL", "http://inside.example")
    assert client().url == "http://inside.example"
    monkeypatch.setenv("IVCAP_URL", "http://ivcap.example")
    monkeypatch.setenv("IVCAP_JWT", "t")
    assert client().url == "http://ivcap.example"


def test_the_account_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IVCAP_ACCOUNT_ID", "urn:ivcap:account:1")
    assert IVCAP(url="http://ivcap.example", token="t").account_id == "urn:ivcap:account:1"
    assert IVCAP(url="http://ivcap.example", token="t", account_id="mine").account_id == "mine"
