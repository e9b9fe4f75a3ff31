"""Wrong input gets a clear error in the words of the protocol, tells nothing of the server, and changes nothing."""

import contextlib
import http.client
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.faces.conftest import LARGEST_FILE, Visit
from tests.faces.hypha.wire import assert_tells_nothing, contents, refusal, upload
from tests.faces.hypha.wrong_arguments import WRONG_ARGUMENTS
from tests.faces.people import Person, signed_token


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
    "publish": {"to": "sandbox_zenodo"},
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

    assert {*EVERY_FUNCTION, "create", "put_file_complete_multipart"} == {*_FUNCTIONS, "list", "search"}


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


# uploads


async def test_too_many_bytes_are_refused_and_kept_nowhere(store: Any, box: Any, url: str, ada: Person, untouched: Any):
    await store.put_file(box.id, "new.txt")
    link = await store.put_file(box.id, "pending.txt", use_proxy=True)
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
