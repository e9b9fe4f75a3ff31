"""The reference of the hypha door is true: everything in its tables is called, with every parameter it names."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
import requests

from tests.adapters.archive.zenodo_server import TOKEN
from tests.conftest import REPOSITORY
from tests.faces.hypha.wire import an_artifact, upload
from tests.faces.people import Person
from tests.markdown_pages import section

PAGE = REPOSITORY / "docs" / "reference" / "hypha.md"
Arguments = dict[str, Any]


class Entry(NamedTuple):
    """A row of a table: what is called, and the parameters it is said to have."""

    name: str
    parameters: list[str]


def documented_functions() -> dict[str, Entry]:
    rows = re.findall(r"^\| `(\w+)\(([^)]*)\)` \|", section(PAGE, "Functions"), re.MULTILINE)
    return {name: Entry(name, parameters.split(", ")) for name, parameters in rows}


def documented_endpoints() -> dict[str, Entry]:
    rows = re.findall(r"^\| `([A-Z]+ [^`]+)` \| ([^|]*)\|", section(PAGE, "HTTP endpoints"), re.MULTILINE)
    return {name: Entry(name, re.findall(r"`(\w+)`", parameters)) for name, parameters in rows}


def names_not_there_yet() -> set[str]:
    return set(re.findall(r"`(\w+)(?:\([^)]*\))?`", section(PAGE, "Not there yet")))


MANIFEST = {"name": "Fresh"}
IGNORED = {"use_proxy": True, "use_local_url": True, "branch": "main"}
LISTING: Arguments = {
    "keywords": ["bird"],
    "filters": {"manifest": {"name": "*"}},
    "mode": "OR",
    "offset": 0,
    "limit": 10,
    "order_by": "manifest.name>",
    "pagination": True,
    "stage": "all",
    "facets": ["tags"],
    "explain": False,
}
RANKING: Arguments = {"query": "bird", "cursor": None}
CALLS: Mapping[str, list[Arguments]] = {
    "create": [
        {"alias": "fresh", "workspace": "{workspace}", "parent_id": "gallery", "manifest": MANIFEST, "type": "generic",
         "config": {"note": 1}, "secrets": {"K": "s"}, "version": "first", "comment": "c", "overwrite": True,
         "stage": False, "permissions": {"*": "r"}},
        {"artifact_id": "{workspace}/other", "manifest": MANIFEST},
    ],
    "edit": [
        {"artifact_id": "box", "manifest": MANIFEST, "type": "generic", "config": {"note": 1}, "secrets": {"K": "s"},
         "version": "new", "comment": "c", "stage": True, "branch": "main", "permissions": {"*": "r"}},
    ],
    "read": [{"artifact_id": "box", "silent": True, "version": "stage", "stage": True, "include_metadata": True}],
    "commit": [{"artifact_id": "box", "version": "second", "comment": "c", "branch": "main"}],
    "discard": [{"artifact_id": "box"}],
    "discard_changes": [{"artifact_id": "box", "branch": "main"}],
    "delete": [
        {"artifact_id": "box", "version": "v0"},
        {"artifact_id": "gallery", "delete_files": True, "recursive": True},
    ],
    "duplicate": [
        {"source_artifact_id": "box", "target_alias": "copy", "target_workspace": "{workspace}",
         "target_parent_id": "gallery", "overwrite": True, "remove_secrets": True, "stage": True},
    ],
    "set_parent": [{"artifact_id": "box", "new_parent_id": "gallery"}],
    "list": [{**LISTING, "parent_id": "gallery", "silent": True}, {"artifact_id": "gallery", **RANKING}],
    "search": [{**LISTING, "parent_id": "gallery"}, RANKING],
    "put_file": [
        {"artifact_id": "box", "file_path": "new.txt", "download_weight": 1, "expires_in": 600, "version": "stage",
         **IGNORED},
    ],
    "put_file_start_multipart": [
        {"artifact_id": "box", "file_path": "new.txt", "part_count": 2, "download_weight": 1, "expires_in": 600,
         "use_proxy": True, "use_local_url": True},
    ],
    "put_file_complete_multipart": [{"artifact_id": "box", "upload_id": "{upload_id}", "parts": "{parts}"}],
    "remove_file": [{"artifact_id": "box", "file_path": "a.txt", "branch": "main"}],
    "get_file": [
        {"artifact_id": "box", "file_path": "a.txt", "silent": True, "version": "stage", "stage": True,
         "expires_in": 600, **IGNORED},
        {"artifact_id": "box", "path": "a.txt", "version": "v0"},
    ],
    "read_file": [
        {"artifact_id": "box", "file_path": "a.txt", "format": "text", "encoding": "utf-8", "offset": 1, "limit": 2,
         "version": "stage", "stage": True, "branch": "main"},
    ],
    "write_file": [
        {"artifact_id": "box", "file_path": "w.txt", "content": "text", "format": "text", "encoding": "utf-8",
         "branch": "main"},
    ],
    "list_files": [
        {"artifact_id": "box", "dir_path": "", "limit": 10, "version": "stage", "stage": True, "branch": "main",
         "include_pending": True, "offset": 0},
    ],
    "get_status": [{"artifact_id": "box"}],
    "get_secret": [{"artifact_id": "box", "secret_key": "KEY"}],
    "set_secret": [{"artifact_id": "box", "secret_key": "KEY", "secret_value": "new"}],
    "set_download_weight": [{"artifact_id": "box", "file_path": "a.txt", "download_weight": 2}],
    "reset_stats": [{"artifact_id": "box"}],
    "add_vectors": [
        {"artifact_id": "points", "vectors": [{"id": 1, "vector": "tide"}], "embedding_models": {"text": "hashing:"},
         "update": True},
    ],
    "add_documents": [
        {"artifact_id": "points", "documents": [{"text": "tide"}], "chunk_size": 100, "chunk_overlap": 10,
         "embedding_models": {"text": "hashing:"}},
    ],
    "get_job": [{"job_id": "{job_id}"}],
    "search_vectors": [
        {"artifact_id": "points", "query": {"text": "tide"}, "embedding_models": {"text": "hashing:"},
         "filters": {"n": 1}, "limit": 5, "offset": 0, "return_fields": ["vector"], "order_by": "n",
         "pagination": True, "keywords": ["tide"], "cursor": None},
    ],
    "list_vectors": [
        {"artifact_id": "points", "offset": 0, "limit": 5, "return_fields": ["vector"], "order_by": "n",
         "pagination": True},
    ],
    "get_vector": [{"artifact_id": "points", "id": "a"}],
    "remove_vectors": [{"artifact_id": "points", "ids": ["a"]}],
    "publish": [{"artifact_id": "page", "to": "sandbox_zenodo", "metadata": {"upload_type": "poster"}}],
}  # fmt: skip

LISTING_QUERY = {
    "keywords": "bird,gallery", "filters": "{}", "mode": "OR", "offset": "0", "limit": "10", "order_by": "created_at>",
    "pagination": "true", "silent": "true", "stage": "all", "no_cache": "1", "facets": "tags", "explain": "false",
}  # fmt: skip
TRANSFER = {"use_proxy": "1", "use_local_url": "true", "expires_in": "600"}
REQUESTS: Mapping[str, list[Arguments]] = {
    "GET /{workspace}/artifacts/": [{"params": LISTING_QUERY}],
    "GET /{workspace}/artifacts/-/search": [
        {"params": {k: v for k, v in LISTING_QUERY.items() if k != "silent"}},
        {"params": {"query": "bird", "cursor": ""}},
    ],
    "GET /{workspace}/artifacts/{alias}": [
        {"params": {"version": "v0", "silent": "1"}},
        {"params": {"stage": "true"}},
    ],
    "GET /{workspace}/artifacts/{alias}/children": [
        {"alias": "gallery", "params": LISTING_QUERY},
        {"alias": "gallery", "params": {"query": "bird", "cursor": ""}},
    ],
    "GET /{workspace}/artifacts/{alias}/files": [
        {"params": {"version": "stage", "stage": "true", "limit": "10", "offset": "0", "token": "{token}"}},
    ],
    "GET /{workspace}/artifacts/{alias}/files/{path}": [
        {"path": "a.txt", "params": {"version": "v0", "silent": "1", "token": "{token}", **TRANSFER}},
        {"path": "", "params": {"stage": "true", "limit": "10", "offset": "0"}},
    ],
    "PUT /{workspace}/artifacts/{alias}/files/{path}": [
        {"path": "new.txt", "data": b"new", "params": {"download_weight": "1", "token": "{token}", **TRANSFER}},
    ],
    "POST /{workspace}/artifacts/{alias}/create-multipart-upload": [
        {"params": {"path": "new.txt", "part_count": "2", "download_weight": "1", **TRANSFER}},
    ],
    "POST /{workspace}/artifacts/{alias}/complete-multipart-upload": [
        {"json": {"upload_id": "{upload_id}", "parts": "{parts}"}},
    ],
    "GET /{workspace}/view/{alias}": [
        {"alias": "gallery", "params": {"q": "bird", "order": "name", "page": "1", "dir": "", "token": "{token}"}},
        {"params": {"builtin": "true", "stage": "true"}},
        {"params": {"builtin": "true", "version": "v0"}},
    ],
    "GET /{workspace}/view/{alias}/{path}": [
        {"alias": "page", "path": "a.txt", "params": {"version": "v0", "stage": "false", "token": "{token}"}},
    ],
    "GET /public/services/artifact-manager/{function}": [
        {"function": "read", "params": {"artifact_id": "box", "silent": "true"}},
    ],
    "POST /public/services/artifact-manager/{function}": [{"function": "read", "json": {"artifact_id": "box"}}],
}

World = dict[str, Any]


@pytest.fixture
async def world(store: Any, ada: Person) -> World:
    """A gallery with a child, an artifact with two versions and an open draft, an upload in parts half done, a page."""
    semantic = {"semantic_search": {"embedding_model": "hashing:"}}
    await store.create(alias="gallery", type="collection", manifest={"name": "Bird gallery"}, config=semantic)
    await store.create(alias="child", parent_id="gallery", manifest={"name": "Bird"})
    await store.create(alias="points", type="vector-collection", manifest={"name": "Points"}, config={"dimension": 2})
    await store.add_vectors("points", [{"id": "a", "vector": [1, 2], "manifest": {"n": 1}}])
    await an_artifact(store, "box", {"a.txt": b"text"}, secrets={"KEY": "sesame"})
    await store.edit("box", version="new", manifest={"name": "Box"})
    await store.edit("box", stage=True, version="stage")
    upload(await store.put_file("box", "a.txt"), b"draft")
    job = await store.add_documents("points", ["tide"], embedding_models="hashing:")
    page = {"name": "Page", "description": "To be published"}
    token = {"SANDBOX_ZENODO_ACCESS_TOKEN": TOKEN}
    await an_artifact(store, "page", {"a.txt": b"text"}, manifest=page, type="application", secrets=token)
    begun = await store.put_file_start_multipart("box", "a.txt", 1)
    etag = requests.put(begun.parts[0].url, data=b"part", timeout=10).headers["etag"]
    return {
        "{workspace}": ada.workspace,
        "{token}": ada.token,
        "{upload_id}": begun.upload_id,
        "{job_id}": job["job_id"],
        "{parts}": [{"part_number": 1, "etag": etag}],
    }


def filled(value: Any, world: World) -> Any:
    """Put what only this world knows into an argument."""
    if isinstance(value, dict):
        return {key: filled(item, world) for key, item in value.items()}
    if isinstance(value, str):
        return world[value] if value in world else value.replace("{workspace}", world["{workspace}"])
    return value


def test_every_row_has_its_calls_and_every_call_its_row():
    assert set(CALLS) == set(documented_functions())
    assert set(REQUESTS) == set(documented_endpoints())


@pytest.mark.parametrize("entry", documented_functions().values(), ids=lambda entry: entry.name)
async def test_a_function_takes_the_parameters_in_its_row(store: Any, world: World, entry: Entry):
    schema = store[entry.name].__schema__["parameters"]["properties"]
    assert list(schema) == entry.parameters
    assert {name for call in CALLS[entry.name] for name in call} == set(entry.parameters)
    for call in CALLS[entry.name]:
        await store[entry.name](**filled(call, world))


@pytest.mark.parametrize("entry", documented_endpoints().values(), ids=lambda entry: entry.name)
async def test_an_endpoint_takes_the_parameters_in_its_row(
    world: World, web: requests.Session, url: str, ada: Person, entry: Entry
):
    if "{function}" not in entry.name:
        assert {name for call in REQUESTS[entry.name] for name in call.get("params", {})} == set(entry.parameters)
    method, _, path = entry.name.partition(" ")
    for call in (filled(call, world) for call in REQUESTS[entry.name]):
        places = {"workspace": ada.workspace, "alias": "box", "path": "", "function": "", **call}
        address = url + re.sub(r"{(\w+)}", lambda match, places=places: places[match[1]], path)
        options = {name: call[name] for name in ("params", "json", "data") if name in call}
        answer = web.request(method, address, headers=ada.headers, timeout=10, allow_redirects=False, **options)
        assert answer.status_code == 200, answer.text


async def test_what_is_not_there_yet_is_not_there(store: Any):
    assert {name for name in names_not_there_yet() if name in store} == set()
