"""Wrong input gets a clear error in the words of the protocol, tells nothing of the server, and changes nothing."""

import contextlib
import http.client
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.faces.conftest import LARGEST_BODY, LARGEST_FILE, Visit
from tests.faces.hypha.wire import an_artifact, assert_tells_nothing, contents, fill, refusal, upload
from tests.faces.people import Person, signed_token

UNKNOWN_ID = "01a20032-4740-7124-b014-9ae62cc7160f"


@pytest.fixture
async def box(store: Any) -> Any:
    """Ada's private artifact with two versions, an open draft, a secret and a weight."""
    artifact = await an_artifact(store, "box", {"a.txt": b"one", "d/b.txt": b"b"}, secrets={"KEY": "sesame"})
    await store.edit(artifact.id, stage=True, version="new", manifest={"name": "box", "n": 2})
    await fill(store, artifact.id, {"a.txt": b"two"}, download_weight=1)
    await store.commit(artifact.id)
    await store.edit(artifact.id, stage=True, manifest={"name": "drafted"})
    await fill(store, artifact.id, {"new.txt": b"new"})
    await store.put_file(artifact.id, "pending.txt")
    return await store.read(artifact.id, silent=True)


async def snapshot(store: Any) -> dict[str, Any]:
    """Everything its owner can see of a workspace."""
    listed = await store.search(stage="all")
    seen: dict[str, Any] = {"listed": listed}
    for artifact in listed:
        name = artifact["_id"]
        versions = [version["version"] for version in artifact.versions]
        seen[name] = [
            await store.read(name, silent=True),
            await store.read(name, silent=True, version="stage"),
            await store.get_status(name),
            await store.get_secret(name),
            [await contents(store, name, version=version) for version in [*versions, "stage"]],
        ]
    return seen


@pytest.fixture
async def untouched(store: Any, box: Any) -> Any:
    """Within the block nothing that Ada has changes."""

    @contextlib.asynccontextmanager
    async def check() -> AsyncIterator[None]:
        before = await snapshot(store)
        yield
        after = await snapshot(store)
        assert [item.alias for item in after["listed"]] == [item.alias for item in before["listed"]]
        assert after == before

    return check


# arguments of the functions: (function, arguments, what the error says)

ALIASES = [
    ("with space", "Invalid alias"),
    ("", "Invalid alias"),
    (".", "Invalid alias"),
    ("..", "Invalid alias"),
    ("-", "reserved"),
    ("~", "reserved"),
    ("_", "reserved"),
    ("a?b", "Invalid alias"),
    ("a#b", "Invalid alias"),
    ("a%2Fb", "Invalid alias"),
    ("a\\b", "Invalid alias"),
    ("a\nb", "Invalid alias"),
    ("a\0b", "Invalid alias"),
    ("ünicode", "Invalid alias"),
    ("a" * 65, "too long|maximum"),
    ("a/b/c", "Invalid alias"),
    (UNKNOWN_ID, "cannot be a UUID"),
    (7, "alias"),
]
PATHS = [
    ("../x", r"'\.\.'"),
    ("a/../../x", r"'\.\.'"),
    ("..", r"'\.\.'"),
    ("/etc/passwd", "absolute"),
    ("//a", "absolute"),
    ("a\\b", "backslash"),
    ("..\\x", "backslash"),
    ("a\0b", "control character"),
    ("a\nb", "control character"),
    ("C:/x", "drive letter"),
    ("c:x", "drive letter"),
    ("", "empty"),
    (".", "empty"),
    ("./", "empty"),
    ("x" * 1025, "longer"),
    ("ü" * 600, "longer"),
    (7, "string"),
    (None, "string"),
    ({"a": 1}, "string"),
    ([], "string|empty|least one"),
    (["ok.txt", "../x"], r"'\.\.'|string"),
]
WRONG_ARGUMENTS: list[tuple[str, dict[str, Any], str]] = [
    *(("create", {"alias": alias, "manifest": {"name": "x"}}, f"ValueError: .*({words})") for alias, words in ALIASES),
    ("create", {"alias": "new"}, "Manifest must be provided"),
    ("create", {"alias": "new", "manifest": {}}, "Manifest must be provided"),
    ("create", {"alias": "new", "manifest": []}, "Invalid manifest: it must be|Manifest must be"),
    ("create", {"alias": "new", "manifest": "text"}, "Invalid manifest: it must be|Manifest must be"),
    ("create", {"alias": "new", "manifest": {"tags": "no list"}}, "ValueError: Invalid manifest: 'tags'"),
    ("create", {"alias": "new", "manifest": {"name": 7}}, "ValueError: Invalid manifest: 'name'"),
    ("create", {"alias": "new", "manifest": {"a": "x\0y"}}, "ValueError: Invalid manifest: .*NUL"),
    ("create", {"alias": "new", "manifest": {"a": b"bytes"}}, "ValueError: Invalid manifest"),
    (
        "create",
        {"alias": "new", "manifest": {"a": "x"}, "config": "no object"},
        "ValueError: Invalid config: it must be an object",
    ),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "config": {"permissions": "r"}}, "ValueError: Invalid config"),
    (
        "create",
        {"alias": "new", "manifest": {"a": "x"}, "config": {"permissions": {"*": 7}}},
        "ValueError: Invalid config",
    ),
    (
        "create",
        {"alias": "new", "manifest": {"a": "x"}, "config": {"collection_schema": {"type": "unheard-of"}}},
        "ValueError: Invalid collection_schema",
    ),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "secrets": {"K": 7}}, "ValueError: .*'K' must be a string"),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "version": "a/b"}, "ValueError: Invalid version"),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "version": 7}, "ValueError: Invalid version"),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "comment": 7}, "ValueError: Invalid comment"),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "type": 7}, "ValueError: Invalid type"),
    ("create", {"alias": "box", "manifest": {"a": "x"}}, "FileExistsError: .*already exists"),
    (
        "create",
        {"alias": "new", "manifest": {"a": "x"}, "parent_id": "missing"},
        "KeyError: .*Artifact with ID '\\S+/missing'",
    ),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "workspace": "no-such"}, "does not exist|permission"),
    (
        "create",
        {"artifact_id": "a/b", "alias": "x", "manifest": {"a": "x"}},
        "ValueError: artifact_id cannot be combined",
    ),
    ("create", {"artifact_id": "bare", "manifest": {"a": "x"}}, "ValueError: Invalid artifact ID format"),
    ("create", {"alias": "ws/x", "workspace": "other", "manifest": {"a": "x"}}, "ValueError: .*does not match"),
    (
        "read",
        {"artifact_id": "missing"},
        "KeyError: .*Artifact with ID '\\S+/missing' does not exist.*Note: When working",
    ),
    ("read", {"artifact_id": UNKNOWN_ID}, f"KeyError: .*'{UNKNOWN_ID}' does not exist"),
    ("read", {"artifact_id": "a/b/c"}, "Invalid artifact ID format"),
    ("read", {"artifact_id": ""}, "Invalid artifact ID format"),
    ("read", {"artifact_id": 7}, "artifact"),
    ("read", {"artifact_id": None}, "artifact"),
    ("read", {"artifact_id": {"a": 1}}, "artifact"),
    ("read", {"artifact_id": "x' OR '1'='1"}, "KeyError: .*does not exist"),
    ("read", {"artifact_id": "a\0b"}, "does not exist|Invalid"),
    ("read", {"artifact_id": "box", "version": "v9"}, "ValueError: Artifact version 'v9' does not exist"),
    ("read", {"artifact_id": "box", "version": "0"}, "ValueError: Artifact version '0' does not exist"),
    ("read", {"artifact_id": "box", "version": -1}, "non-negative"),
    ("read", {"artifact_id": "box", "version": 99}, "out of range"),
    ("read", {"artifact_id": "box", "version": 1.5}, "ValueError: Invalid version"),
    ("read", {"artifact_id": "box", "version": True}, "ValueError: Invalid version"),
    ("read", {"artifact_id": "box", "version": ["v0"]}, "ValueError: Invalid version"),
    ("read", {"artifact_id": "box", "version": "v0", "stage": True}, "cannot specify a version when using stage mode"),
    ("edit", {"artifact_id": "box", "version": "custom"}, "ValueError: Invalid version"),
    ("edit", {"artifact_id": "box", "version": "custom", "stage": True}, "ValueError: Invalid version"),
    ("edit", {"artifact_id": "box", "version": 0}, "ValueError: Invalid version"),
    ("edit", {"artifact_id": "box", "version": ["new"], "stage": True}, "ValueError: Invalid version"),
    ("edit", {"artifact_id": "box", "manifest": "text"}, "ValueError: Invalid manifest: it must be an object"),
    ("edit", {"artifact_id": "box", "manifest": {"tags": 7}, "stage": True}, "ValueError: Invalid manifest"),
    ("edit", {"artifact_id": "box", "config": [1]}, "ValueError: Invalid config: it must be an object"),
    ("edit", {"artifact_id": "box", "secrets": "text"}, "ValueError: Invalid secrets: it must be an object"),
    ("edit", {"artifact_id": "missing", "manifest": {"a": 1}}, "KeyError: .*does not exist"),
    ("commit", {"artifact_id": "box"}, "FileNotFoundError: File 'pending.txt' does not exist"),
    ("commit", {"artifact_id": "box", "version": "stage"}, "Invalid version"),
    ("commit", {"artifact_id": "box", "version": 7}, "ValueError: Invalid version"),
    ("commit", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    ("discard", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    ("delete", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    (
        "delete",
        {"artifact_id": "box", "version": "stage"},
        "ValueError: Cannot delete staged version. .*'discard' function",
    ),
    (
        "delete",
        {"artifact_id": "box", "version": "v9"},
        r"ValueError: Version 'v9' does not exist.*Available versions: \['v0', 'v1'\]",
    ),
    ("delete", {"artifact_id": "box", "version": 2}, "Version index 2 is out of range. Available indices: 0-1"),
    ("delete", {"artifact_id": "box", "version": -1}, "Version index -1 is out of range"),
    ("delete", {"artifact_id": "box", "version": True}, "ValueError: "),
    ("delete", {"artifact_id": "box", "version": 1.5}, "ValueError: "),
    *(
        (function, {"artifact_id": "box", "file_path": path, **more}, f"ValueError: .*({words})")
        for path, words in PATHS
        for function, more in (
            ("put_file", {}),
            ("get_file", {}),
            ("remove_file", {}),
            ("read_file", {}),
            ("write_file", {"content": "x"}),
        )
        if not (isinstance(path, list) and path and function in ("remove_file", "read_file", "write_file"))
    ),
    *(
        ("list_files", {"artifact_id": "box", "dir_path": path}, f"ValueError: .*({words})")
        for path, words in PATHS
        if path not in ("", ".", "./", None, "/etc/passwd", "//a")
    ),
    ("put_file", {"artifact_id": "box", "file_path": "x", "download_weight": -1}, "non-negative"),
    ("put_file", {"artifact_id": "box", "file_path": "x", "download_weight": float("nan")}, "non-negative"),
    (
        "put_file",
        {"artifact_id": "box", "file_path": "x", "download_weight": "1"},
        "Invalid download_weight: it must be a number",
    ),
    (
        "put_file",
        {"artifact_id": "box", "file_path": ["x", "y"], "download_weight": [1]},
        "one download weight for each",
    ),
    (
        "put_file",
        {"artifact_id": "box", "file_path": "x", "expires_in": "soon"},
        "Invalid expires_in: it must be a number",
    ),
    ("get_file", {"artifact_id": "box", "file_path": "x.txt"}, "FileNotFoundError: File 'x.txt' does not exist"),
    ("get_file", {"artifact_id": "box", "file_path": "d"}, "FileNotFoundError: File 'd' does not exist"),
    ("get_file", {"artifact_id": "box", "file_path": "new.txt"}, "FileNotFoundError: File 'new.txt' does not exist"),
    ("get_file", {"artifact_id": "box", "file_path": ["a.txt", "x.txt"]}, "FileNotFoundError: File 'x.txt'"),
    ("get_file", {"artifact_id": "box", "file_path": "a.txt", "version": "v9"}, "version 'v9' does not exist"),
    ("get_file", {"artifact_id": "box", "file_path": "a.txt", "expires_in": float("nan")}, "expires_in"),
    ("read_file", {"artifact_id": "box", "file_path": "x.txt"}, "FileNotFoundError: File 'x.txt' does not exist"),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "format": "xml"}, "Invalid format"),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "format": "json"}, "not valid json"),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "encoding": "unheard-of"}, "ValueError: "),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "encoding": 7}, "ValueError: "),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "limit": 0}, "positive integer"),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "limit": 10485761}, "Limit cannot exceed 10MB"),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "offset": -1}, "non-negative"),
    ("write_file", {"artifact_id": "box", "file_path": "w", "content": 7}, "ValueError: Content must be a string"),
    ("write_file", {"artifact_id": "box", "file_path": "w", "content": "ü", "encoding": "ascii"}, "ValueError: "),
    ("write_file", {"artifact_id": "box", "file_path": "w", "content": "!", "format": "base64"}, "not valid base64"),
    ("write_file", {"artifact_id": "box", "file_path": "w", "content": "x", "format": "binary"}, "not valid binary"),
    ("list_files", {"artifact_id": "box", "limit": -1}, "Invalid limit"),
    ("list_files", {"artifact_id": "box", "offset": "x"}, "Invalid offset"),
    ("list_files", {"artifact_id": "box", "version": "v9"}, "version 'v9' does not exist"),
    ("list_files", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    *(
        (function, arguments, f"ValueError: .*({words})")
        for function in ("list", "search")
        for arguments, words in [
            ({"filters": {"unheard_of": 1}}, "Invalid filter key: unheard_of"),
            ({"filters": {"id; DROP TABLE artifact": 1}}, "Invalid filter key"),
            ({"filters": {"manifest": "text"}}, "Invalid filter key"),
            ({"filters": "text"}, "Invalid filters"),
            ({"filters": [1]}, "Invalid filters"),
            ({"filters": {"manifest": {"a": {"$gt": "x"}}}}, "takes a number"),
            ({"filters": {"manifest": {"a": {"$where": "1"}}}}, "Invalid filter operator"),
            ({"filters": {"manifest": {"$or": {"a": 1}}}}, "takes a list"),
            ({"filters": {"created_at": "yesterday"}}, "number"),
            ({"filters": {"created_at": [1]}}, "list of two"),
            ({"filters": {"version": "v0"}}, "version"),
            ({"order_by": "manifest.a;--"}, "Invalid order_by"),
            ({"order_by": "id') --"}, "Invalid order_by"),
            ({"order_by": 7}, "Invalid order_by"),
            ({"keywords": 7}, "[Kk]eyword"),
            ({"keywords": [7]}, "[Kk]eyword"),
            ({"limit": -1}, "Invalid limit"),
            ({"offset": -1}, "Invalid offset"),
            ({"limit": "ten"}, "Invalid limit"),
            ({"limit": 1.5}, "Invalid limit"),
        ]
    ),
    ("list", {"parent_id": "missing"}, "KeyError: .*does not exist"),
    ("set_download_weight", {"artifact_id": "box", "file_path": "a.txt", "download_weight": -1}, "non-negative"),
    (
        "set_download_weight",
        {"artifact_id": "box", "file_path": 7, "download_weight": 1},
        "it must be a string|must be a string",
    ),
    (
        "set_secret",
        {"artifact_id": "box", "secret_key": "K", "secret_value": 7},
        "it must be a string|must be a string",
    ),
    (
        "set_secret",
        {"artifact_id": "box", "secret_key": 7, "secret_value": "x"},
        "it must be a string|must be a string",
    ),
    ("get_secret", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    ("reset_stats", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    ("get_status", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    *(
        ("put_file_start_multipart", {"artifact_id": "box", "file_path": "x", "part_count": 2, **arguments}, words)
        for arguments, words in [
            ({"part_count": 0}, "Part count must be greater than 0"),
            ({"part_count": 10_001}, "maximum number of parts is 10,000"),
            ({"part_count": "2"}, "Invalid part_count"),
            ({"download_weight": -1}, "Download weight must be a non-negative number"),
            ({"file_path": "../x"}, r"'\.\.'"),
        ]
    ),
    *(
        ("put_file_complete_multipart", {"artifact_id": "box", "upload_id": "none", "parts": [], **arguments}, words)
        for arguments, words in [
            ({}, "Upload session expired or not found|at least one part"),
            (
                {"upload_id": UNKNOWN_ID, "parts": [{"part_number": 1, "etag": "x"}]},
                "Upload session expired or not found",
            ),
            ({"upload_id": 7}, "Invalid upload_id"),
            ({"parts": "x"}, "Invalid parts"),
            ({"parts": [7]}, "ValueError: "),
        ]
    ),
    ("duplicate", {"source_artifact_id": "missing"}, "KeyError: .*does not exist"),
    ("duplicate", {"source_artifact_id": "box", "target_alias": "a b"}, "Invalid alias"),
    ("duplicate", {"source_artifact_id": "box", "target_alias": "box"}, "FileExistsError: .*already exists"),
    ("duplicate", {"source_artifact_id": "box", "target_parent_id": "missing"}, "KeyError: .*does not exist"),
    ("set_parent", {"artifact_id": "box", "new_parent_id": "box"}, "cannot be its own parent"),
    ("set_parent", {"artifact_id": "box", "new_parent_id": "missing"}, "KeyError: .*does not exist"),
    ("set_parent", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    *(
        (function, {**arguments, "unheard_of": 1}, "TypeError: .*unexpected keyword argument 'unheard_of'")
        for function, arguments in [
            ("create", {"alias": "new", "manifest": {"a": 1}}),
            ("read", {"artifact_id": "box"}),
            ("delete", {"artifact_id": "box"}),
            ("discard", {"artifact_id": "box"}),
            ("list", {}),
        ]
    ),
    *(
        (function, {}, "TypeError: .*missing .*required .*argument")
        for function in ("read", "edit", "commit", "discard", "delete", "put_file", "list_files", "get_secret")
    ),
]


async def test_wrong_arguments_are_told_and_change_nothing(store: Any, untouched: Any):
    """One table, one snapshot before and after: over three hundred calls that all must fail."""
    async with untouched():
        surprises = []
        for function, arguments, words in WRONG_ARGUMENTS:
            try:
                with refusal(words):
                    await store[function](**arguments)
            except (AssertionError, pytest.fail.Exception) as surprise:
                surprises.append(f"{function}({arguments}): {surprise}")
        assert not surprises, "\n".join(surprises)


async def test_a_taken_label_is_told(store: Any, box: Any, untouched: Any):
    await store.remove_file(box.id, "pending.txt")
    await store.edit(box.id, stage=True, version="new")
    async with untouched():
        with refusal("ValueError: Version 'v0' already exists"):
            await store.commit(box.id, version="v0")
        for label in ("latest", "new/er", "x" * 65, "a\nb"):
            with refusal("ValueError: Invalid version"):
                await store.commit(box.id, version=label)


async def test_what_needs_a_draft_says_so(store: Any, box: Any, untouched: Any):
    await store.discard(box.id)
    async with untouched():
        for call, words in (
            (store.commit(box.id), "AssertionError: .*must be in staging mode to commit"),
            (store.discard(box.id), "ValueError: No staged changes to discard"),
            (store.put_file(box.id, "x"), "AssertionError: .*must be in staging mode"),
            (store.remove_file(box.id, "a.txt"), "AssertionError: .*must be in staging mode"),
            (store.write_file(box.id, "x", "y"), "ValueError: .*staging"),
            (
                store.delete(box.id, version="stage"),
                "Cannot delete staged version. The artifact is not in staging mode",
            ),
        ):
            with refusal(words):
                await call


async def test_a_collection_with_children_is_not_overwritten(store: Any, untouched: Any):
    gallery = await store.create(alias="gallery", type="collection", manifest={"name": "G"})
    await store.create(alias="child", parent_id=gallery.id, manifest={"name": "C"})
    async with untouched():
        with refusal("ValueError: Cannot overwrite artifact .*1 child artifacts"):
            await store.create(alias="gallery", manifest={"name": "other"}, overwrite=True)
        with refusal("FileExistsError: .*already exists"):
            await store.create(alias="box", parent_id=gallery.id, manifest={"name": "other"}, overwrite=True)


async def test_very_deep_and_very_large_manifests_are_refused(store: Any, untouched: Any):
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"d": deep}
    async with untouched():
        with refusal("ValueError: Invalid manifest: .*deep"):
            await store.create(alias="deep", manifest=deep)
        with refusal("ValueError: The manifest is larger"):
            await store.create(alias="large", manifest={"text": "x" * (5 * 1024 * 1024)})


async def test_an_unknown_function_is_told(web: requests.Session, url: str, ada: Person, store: Any):
    with pytest.raises(AttributeError):
        _ = store.unheard_of
    for path in ("public/services/artifact-manager/unheard_of", "public/services/unheard-of/read"):
        answer = web.get(f"{url}/{path}", headers=ada.headers, timeout=10)
        assert answer.status_code == 404
        assert_tells_nothing(answer.text)


# somebody else's artifact

EVERY_FUNCTION: dict[str, dict[str, Any]] = {
    "read": {},
    "edit": {"manifest": {"name": "taken"}},
    "commit": {},
    "discard": {},
    "discard_changes": {},
    "delete": {},
    "put_file": {"file_path": "x.txt"},
    "remove_file": {"file_path": "a.txt"},
    "get_file": {"file_path": "a.txt"},
    "read_file": {"file_path": "a.txt"},
    "write_file": {"file_path": "a.txt", "content": "taken"},
    "list_files": {},
    "list": {},
    "search": {},
    "reset_stats": {},
    "get_status": {},
    "get_secret": {},
    "set_secret": {"secret_key": "KEY", "secret_value": "taken"},
    "set_download_weight": {"file_path": "a.txt", "download_weight": 7},
    "put_file_start_multipart": {"file_path": "x.txt", "part_count": 2},
    "duplicate": {"target_alias": "copy"},
    "set_parent": {},
}
NAMED_OTHERWISE = {"list": "parent_id", "search": "parent_id", "duplicate": "source_artifact_id"}
MORE_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("edit", {"manifest": {"name": "taken"}, "stage": True}),
    ("delete", {"version": "v0"}),
    ("delete", {"recursive": True, "delete_files": True}),
    ("read", {"version": "stage"}),
    ("get_file", {"file_path": "new.txt", "stage": True}),
]


def test_every_function_of_the_artifact_manager_is_walked():
    from armarium.faces.hypha.artifact_manager import _FUNCTIONS  # noqa: PLC0415

    assert {*EVERY_FUNCTION, "create", "put_file_complete_multipart"} == set(_FUNCTIONS)


def calls_on(name: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (function, {NAMED_OTHERWISE.get(function, "artifact_id"): name, **arguments})
        for function, arguments in [*EVERY_FUNCTION.items(), *MORE_CALLS]
    ] + [
        ("create", {"alias": name, "manifest": {"name": "taken"}, "overwrite": True}),
        ("create", {"artifact_id": name, "manifest": {"name": "taken"}, "overwrite": True}),
        ("create", {"alias": f"{name}-2", "manifest": {"name": "placed"}}),
        ("create", {"alias": "new", "workspace": name.partition("/")[0], "manifest": {"name": "placed"}}),
        ("create", {"alias": "new", "parent_id": name, "manifest": {"name": "placed"}}),
        ("create", {"alias": "new", "parent_id": name, "manifest": {"name": "placed"}, "stage": True}),
    ]  # fmt: skip


async def test_somebody_elses_artifact_is_out_of_reach(box: Any, bobs_store: Any, strangers_store: Any, untouched: Any):
    async with untouched():
        for manager in (bobs_store, strangers_store):
            for function, arguments in calls_on(box.id):
                with refusal("PermissionError: .*permission"):
                    await manager[function](**arguments)
            for function, arguments in EVERY_FUNCTION.items():
                where = NAMED_OTHERWISE.get(function, "artifact_id")
                with refusal("PermissionError: .*permission"):
                    await manager[function](**{where: box["_id"], **arguments})


async def test_somebody_elses_upload_is_out_of_reach(store: Any, box: Any, bobs_store: Any, strangers_store: Any):
    begun = await store.put_file_start_multipart(box.id, "pending.txt", part_count=1)
    sent = requests.put(begun["parts"][0]["url"], data=b"in one part", timeout=10)
    parts = [{"part_number": 1, "etag": sent.headers["etag"]}]
    for manager in (bobs_store, strangers_store):
        with refusal("PermissionError: .*permission"):
            await manager.put_file_complete_multipart(box.id, begun["upload_id"], parts)
    other = await store.create(alias="other", manifest={"name": "Other"}, stage=True)
    with refusal("ValueError: Upload session expired or not found"):
        await store.put_file_complete_multipart(other.id, begun["upload_id"], parts)
    for wrong in ([], [{"part_number": 1, "etag": "0" * 64}], [{"part_number": 2, "etag": parts[0]["etag"]}]):
        with refusal("ValueError: "):
            await store.put_file_complete_multipart(box.id, begun["upload_id"], wrong)
    assert (await store.put_file_complete_multipart(box.id, begun["upload_id"], parts))["success"] is True
    with refusal("ValueError: Upload session expired or not found"):
        await store.put_file_complete_multipart(box.id, begun["upload_id"], parts)
    assert (await contents(store, box.id, stage=True))["pending.txt"] == b"in one part"


async def test_over_http_too(box: Any, web: requests.Session, url: str, bob: Person, untouched: Any):
    async with untouched():
        for headers in (bob.headers, {}):
            for function, arguments in calls_on(box.id):
                answer = web.post(
                    f"{url}/public/services/artifact-manager/{function}", json=arguments, headers=headers, timeout=10
                )
                assert answer.status_code == 403, (function, arguments, answer.text)
                assert answer.json()["detail"].startswith("RemoteException: PermissionError: ")
                assert_tells_nothing(answer.text)
            base = f"{url}/{box.workspace}/artifacts/box"
            for method, path in (
                ("GET", ""),
                ("GET", "?stage=true"),
                ("GET", "/children"),
                ("GET", "/files/"),
                ("GET", "/files/a.txt"),
                ("HEAD", "/files/a.txt"),
                ("GET", "/files/new.txt?stage=true"),
                ("PUT", "/files/a.txt"),
            ):
                answer = web.request(method, f"{base}{path}", data=b"taken", headers=headers, timeout=10)
                assert answer.status_code == 403, (method, path, answer.text)
                assert_tells_nothing(answer.text)


async def test_a_reader_changes_nothing(store: Any, box: Any, bobs_store: Any, bob: Person, untouched: Any):
    await store.edit(box.id, config={"permissions": {bob.id: "r"}}, stage=True)
    await store.remove_file(box.id, "pending.txt")
    await store.commit(box.id)
    await store.edit(box.id, stage=True)
    assert (await bobs_store.read(box.id, silent=True)).manifest == {"name": "drafted"}
    readable = {"read", "get_file", "read_file", "list_files", "list", "search", "get_status", "duplicate"}
    async with untouched():
        for function, arguments in calls_on(box.id):
            if function not in readable:
                with refusal("PermissionError: .*permission"):
                    await bobs_store[function](**arguments)


async def test_a_stranger_creates_nothing(strangers_store: Any, ada: Person, store: Any):
    await store.list()
    for place in ({}, {"workspace": ada.workspace}, {"alias": f"{ada.workspace}/x"}):
        with refusal("PermissionError: .*permission"):
            await strangers_store.create(**{"alias": "x", "manifest": {"name": "x"}, **place})


async def test_sql_in_filters_finds_nothing_it_should_not(store: Any, box: Any, bobs_store: Any, untouched: Any):
    attacks = ["' OR 1=1 --", '" OR ""="', "%", "_", "\\", "*' --", "x') UNION SELECT * FROM secret --", "\0"]
    async with untouched():
        for attack in attacks:
            for arguments in (
                {"keywords": [attack]},
                {"filters": {"manifest": {"name": attack}}},
                {"filters": {"manifest": {attack: "box"}}},
                {"filters": {"type": attack}},
                {"filters": {"created_by": attack}},
                {"filters": {f"permissions/{attack}": "*"}},
                {"filters": {"config": {"permissions": {attack: "*"}}}},
            ):
                found = await bobs_store.search(**arguments)
                assert found == [], arguments


# paths of URLs, as they are on the wire: no client in between that tidies them up


def raw(url: str, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.putrequest(method, path, skip_host=False, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


ESCAPES = [
    "../../box/files/a.txt",
    "..%2F..%2Fcatalog.sqlite",
    "%2e%2e%2f%2e%2e%2fcatalog.sqlite",
    "%2e%2e/a.txt",
    "d/..%2fa.txt",
    "d/%2e%2e/a.txt",
    "%2Fetc%2Fpasswd",
    "/etc/passwd",
    "..%5Ca.txt",
    "a%5Cb",
    "a.txt%00",
    "a.txt%00.png",
    "%00",
    "C:%2Fa.txt",
    "C:/a.txt",
    "..%252F..%252Fcatalog.sqlite",
    "%c0%ae%c0%ae%2fa.txt",
    "a%0Ab",
    "%ff%fe",
    "%ed%a0%80",
    "x" * 2000,
]


@pytest.mark.parametrize("escape", ESCAPES, ids=lambda escape: escape[:30])
async def test_paths_in_urls_never_leave_the_artifact(store: Any, box: Any, url: str, ada: Person, escape: str):
    before = await contents(store, box.id, stage=True)
    for method, query in (("GET", ""), ("GET", "?stage=true"), ("HEAD", ""), ("PUT", "")):
        path = f"/{box.workspace}/artifacts/box/files/{escape}{query}"
        status, body = raw(url, method, path, ada.headers, b"escaped" if method == "PUT" else None)
        allowed = (400, 404) if "252F" not in escape and "%c0" not in escape and method != "PUT" else (200, 400, 404)
        assert status in allowed, (method, status, body)
        assert b"SQLite format" not in body
        assert b"root:" not in body
        assert status == 200 or body in (b"", b"Not Found") or set(json.loads(body)) == {"detail"}
        assert_tells_nothing(body.decode())
    after = await contents(store, box.id, stage=True)
    assert {path: after[path] for path in before} == before
    assert all(".." not in path.split("/") for path in after)


@pytest.mark.parametrize("escape", ESCAPES, ids=lambda escape: escape[:30])
async def test_paths_after_a_signed_link_lead_nowhere(store: Any, box: Any, url: str, escape: str):
    link = (await store.get_file(box.id, "a.txt")).removeprefix(url)
    ticket = link.rpartition("/")[0]
    for path in (f"/-/blobs/{escape}", f"/-/blobs/{escape}/a.txt", f"/-/uploads/{escape}"):
        status, body = raw(url, "PUT" if "uploads" in path else "GET", path, {}, b"x" if "uploads" in path else None)
        assert status in (307, 401, 403, 404, 405), (path, status, body)
        assert_tells_nothing(body.decode())
    status, body = raw(url, "GET", f"{ticket}/{escape}", {})
    assert body == b"two" if status == 200 else status in (400, 401, 403, 404)


@pytest.mark.parametrize("place", ["", "%2e%2e/", "..%2f", "%00", "x%20y", "a/b", "-", "a\\b", "%ff", "x" * 300])
async def test_odd_aliases_and_workspaces_in_urls_are_plain_errors(box: Any, url: str, ada: Person, place: str):
    for path in (
        f"/{box.workspace}/artifacts/{place}/files/a.txt",
        f"/{box.workspace}/artifacts/{place}/children",
        f"/{place}/artifacts/box",
        f"/{place}/artifacts/box/files/a.txt",
        f"/{place}/services/artifact-manager/list",
    ):
        status, body = raw(url, "GET", path.replace("\\", "%5C"), ada.headers)
        assert status in (400, 403, 404, 307), (path, status, body)
        assert_tells_nothing(body.decode())


# bodies and queries

BAD_BODIES: list[tuple[bytes, str, int]] = [
    (b"{", "application/json", 400),
    (b"not json", "application/json", 400),
    (b"[1, 2]", "application/json", 400),
    (b'"text"', "application/json", 400),
    (b"7", "application/json", 400),
    (b"\xff\xfe", "application/json", 400),
    (b'{"artifact_id": "\\ud800"}', "application/json", 400),
    (b'{"artifact_id": NaN}', "application/json", 400),
    (b'{"artifact_id": 1e999}', "application/json", 400),
    (b"[" * 100_000, "application/json", 400),
    (b'{"a":' * 50_000, "application/json", 400),
    (b"\xc1", "application/msgpack", 400),
    (b"\x91\x01", "application/msgpack", 400),
    (b"\x81\x01\x02", "application/msgpack", 400),
    (b'{"artifact_id": "box", "unheard_of": 1}', "application/json", 400),
    (b'{"artifact_id": "box", "session": 1}', "application/json", 400),
    (b'{"artifact_id": "box", "self": 1}', "application/json", 400),
    (b"{}", "application/json", 400),
    (b"", "application/json", 400),
    (b" " * (LARGEST_BODY + 1), "application/json", 413),
]


@pytest.mark.parametrize(("body", "media_type", "status"), BAD_BODIES, ids=[repr(body[:30]) for body, *_ in BAD_BODIES])
async def test_bad_bodies(
    box: Any, web: requests.Session, url: str, ada: Person, body: bytes, media_type: str, status: int
):
    headers = {**ada.headers, "Content-Type": media_type}
    answer = web.post(f"{url}/public/services/artifact-manager/read", data=body, headers=headers, timeout=10)
    assert answer.status_code == status, answer.text
    assert answer.json()["success"] is False
    assert_tells_nothing(answer.text)


@pytest.mark.parametrize(
    "query",
    [
        "filters={",
        "filters=[1]",
        'filters="text"',
        'filters={"unheard_of":1}',
        "limit=x",
        "limit=-1",
        "offset=1.5",
        "offset=99999999999999999999999",
        "order_by=a;b",
        "keywords=%00",
        "keywords=%ff",
        "filters=" + quote('{"manifest":' * 50 + "1" + "}" * 50),
    ],
)
async def test_bad_queries(web: requests.Session, url: str, ada: Person, box: Any, query: str):
    for path in ("", "-/search", "box/children"):
        answer = web.get(f"{url}/{ada.workspace}/artifacts/{path}?{query}", headers=ada.headers, timeout=10)
        harmless = query.startswith(("keywords", "offset=9"))
        assert answer.status_code in ((200, 400) if harmless else (400,)), (path, answer.text)
        if answer.status_code == 400:
            assert set(answer.json()) == {"detail"}
            assert_tells_nothing(answer.text)


async def test_too_many_bytes_are_refused_and_kept_nowhere(store: Any, box: Any, url: str, ada: Person, untouched: Any):
    await store.put_file(box.id, "new.txt")
    link = await store.put_file(box.id, "pending.txt")
    large = b"x" * (LARGEST_FILE + 1)
    async with untouched():
        for target, headers in (
            (link, {}),
            (f"{url}/{box.workspace}/artifacts/box/files/pending.txt", ada.headers),
            (f"{url}/{box.workspace}/artifacts/box/files/new.txt", ada.headers),
        ):
            with contextlib.suppress(requests.ConnectionError):  # a server may hang up on what it will not take
                answer = requests.put(target, data=large, headers=headers, timeout=30)
                assert answer.status_code == 413, answer.text
                assert_tells_nothing(answer.text)
    upload(link, large[:LARGEST_FILE])


async def test_an_upload_that_ends_early_is_kept_nowhere(store: Any, box: Any, url: str, untouched: Any):
    link = (await store.put_file(box.id, "new.txt")).removeprefix(url)
    async with untouched():
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
        connection.putrequest("PUT", link)
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"only some of it")
        connection.close()
        time.sleep(0.2)


# tokens over the WebSocket

BAD_TOKENS: dict[str, Callable[[Person], str]] = {
    "garbage": lambda ada: "garbage",
    "expired": lambda ada: signed_token(sub=ada.id, lifetime_seconds=-5),
    "tampered": lambda ada: ada.token[:-3] + ("abc" if not ada.token.endswith("abc") else "xyz"),
    "another secret": lambda ada: signed_token(sub=ada.id, secret="s" * 32),
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_a_bad_token_opens_no_connection(visit: Visit, ada: Person, kind: str):
    with pytest.raises((ConnectionAbortedError, Exception)) as caught:
        await visit(ada._replace(token=BAD_TOKENS[kind](ada)))
    assert "token" in str(caught.value).lower()
    assert_tells_nothing(str(caught.value))


async def test_somebody_elses_workspace_opens_no_connection(visit: Visit, ada: Person, bob: Person, store: Any):
    with pytest.raises(Exception, match=r"(?i)permission|denied|not exist"):
        await visit(bob, workspace=ada.workspace)
