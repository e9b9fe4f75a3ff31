"""What the tests over the wire do again and again."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
from hypha_rpc.rpc import RemoteException

LEAKS = re.compile(
    r"Traceback|File \"|\.py\b|src/armarium|site-packages|/tmp|/root|/home|sqlite|SQL\b|constraint|UNIQUE",
    re.IGNORECASE,
)
"""What no answer may hold: traces, paths of the server, words of its database."""


def assert_tells_nothing(text: str) -> None:
    """Fail if a text for a client shows how the server works inside."""
    found = LEAKS.search(text)
    assert found is None, f"the answer tells '{found and found[0]}': {text}"


@contextlib.contextmanager
def refusal(words: str) -> Iterator[None]:
    """Expect a call to be refused, with words (a pattern within one line) and without leaks."""
    with pytest.raises(RemoteException, match=words) as caught:
        yield
    assert_tells_nothing(str(caught.value))


def upload(url: str, content: bytes) -> None:
    answer = requests.put(url, data=content, timeout=30)
    assert answer.ok, answer.text


def download(url: str) -> bytes:
    answer = requests.get(url, timeout=30)
    assert answer.ok, answer.text
    return answer.content


async def fill(store: Any, artifact_id: str, files: Mapping[str, bytes], **options: Any) -> None:
    """Upload files into the open draft of an artifact."""
    for path, content in files.items():
        upload(await store.put_file(artifact_id, file_path=path, **options), content)


async def an_artifact(store: Any, alias: str, files: Mapping[str, bytes], **options: Any) -> Any:
    """A committed artifact with files."""
    options = {"manifest": {"name": alias}, **options}
    staged = await store.create(alias=alias, stage=True, **options)
    await fill(store, staged.id, files)
    return await store.commit(staged.id)


async def contents(store: Any, artifact_id: str, **which: Any) -> dict[str, bytes]:
    """Every file of an artifact as one reader sees it, at any depth, by its path."""
    return {
        path: download(await store.get_file(artifact_id, path, silent=True, **which))
        for path in await paths(store, artifact_id, **which)
    }


async def paths(store: Any, artifact_id: str, directory: str = "", **which: Any) -> list[str]:
    found: list[str] = []
    for entry in await store.list_files(artifact_id, directory or None, **which):
        path = f"{directory}{entry['name']}"
        found += [path] if entry["type"] == "file" else await paths(store, artifact_id, f"{path}/", **which)
    return sorted(found)


def labels(artifact: Any) -> list[str]:
    return [version["version"] for version in artifact["versions"]]
