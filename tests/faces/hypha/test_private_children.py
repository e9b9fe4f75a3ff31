"""Collections whose children are seen by whom they are addressed to: inboxes."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from armarium.domain.identifiers import workspace_uuid
from tests.faces.conftest import Visit
from tests.faces.hypha.wire import refusal
from tests.faces.people import Person, a_person, signed_token

RULES = {"private_children": True, "recipient_field": "to", "permissions": {"@": "lf+"}}

Listed = Callable[..., list[str]]


@pytest.fixture
async def inbox(store: Any, bob: Person, ada: Person) -> Any:
    """Ada's inbox with one letter to Bob and two to somebody else."""
    inbox = await store.create(alias="inbox", type="collection", manifest={"name": "Inbox"}, config=RULES)
    for alias, to in (("for-bob", bob.email), ("for-eve", "eve@example.org"), ("also-for-eve", "eve@example.org")):
        await store.create(alias=alias, parent_id=inbox.id, manifest={"name": f"Letter {alias}", "to": to})
    return inbox


@pytest.fixture
def listed(web: requests.Session, url: str, inbox: Any) -> Listed:
    """Who sees which letters over HTTP."""

    def aliases(person: Person | None, query: str = "") -> list[str]:
        answer = web.get(
            f"{url}/{inbox.workspace}/artifacts/inbox/children{query}", headers=person.headers if person else {}
        )
        assert answer.status_code == 200, answer.text
        return [item["alias"] for item in answer.json()]

    return aliases


def names(found: Any) -> list[str]:
    return [item["alias"] for item in found]


async def test_the_addressee_sees_their_letters_and_no_others(inbox: Any, bobs_store: Any, listed: Listed, bob: Person):
    assert names(await bobs_store.list(inbox.id)) == ["for-bob"]
    assert names(await bobs_store.search(inbox.id)) == ["for-bob"]
    assert names(await bobs_store.search(filters={"parent_id": inbox.id})) == ["for-bob"]
    assert listed(bob) == ["for-bob"]
    page = await bobs_store.list(inbox.id, pagination=True)
    assert (page["total"], names(page["items"])) == (1, ["for-bob"])


async def test_other_doors_show_the_addressee_no_more(
    inbox: Any, store: Any, web: requests.Session, url: str, bob: Person, ada: Person
):
    await store.edit(inbox.id, config={**RULES, "permissions": {"@": "r", ada.id: "*"}})
    place = f"{url}/v1/organizations/{workspace_uuid(ada.workspace)}/orbits/{inbox['_id']}/collections/{inbox['_id']}"

    def seen_by(person: Person) -> list[set[str]]:
        space = web.get(f"{url}/v1/spaces/{inbox['_id']}/artifacts", headers=person.headers).json()["data"]
        collection = web.get(f"{place}/artifacts", headers=person.headers).json()["items"]
        return [{item["name"] for item in items} for items in (space, collection)]

    assert seen_by(bob) == [{"Letter for-bob"}] * 2
    assert seen_by(ada) == [{"Letter for-bob", "Letter for-eve", "Letter also-for-eve"}] * 2


async def test_who_runs_the_workspace_sees_all(inbox: Any, store: Any, listed: Listed, ada: Person):
    everything = ["for-bob", "for-eve", "also-for-eve"]
    assert names(await store.list(inbox.id)) == everything
    assert listed(ada) == everything
    assert names(await store.list(inbox.id, filters={"manifest": {"to": "eve@example.org"}})) == everything[1:]


@pytest.mark.parametrize(
    "asked",
    [
        {"filters": {"manifest": {"to": "eve@example.org"}}},
        {"filters": {"manifest": {"to": "*"}}},
        {"filters": {"manifest": {"to": {"$in": ["eve@example.org"]}}}},
        {"filters": {"manifest": {"$or": [{"to": "eve@example.org"}, {"to": {"$like": "*"}}]}}},
        {"keywords": ["letter"], "filters": {"manifest": {"to": "eve@example.org"}}, "mode": "OR"},
        {"keywords": ["eve", "letter"], "mode": "OR"},
        {"order_by": "manifest.to>"},
        {"stage": "all"},
    ],
)
async def test_no_question_shows_the_letters_of_others(inbox: Any, bobs_store: Any, asked: dict[str, Any]):
    assert names(await bobs_store.list(inbox.id, **asked)) == ["for-bob"]


async def test_other_filters_still_narrow(inbox: Any, bobs_store: Any):
    mixed = {"manifest": {"to": "eve@example.org", "name": "Another"}}
    assert await bobs_store.list(inbox.id, filters=mixed) == []
    assert names(await bobs_store.list(inbox.id, filters={"manifest": {"name": "Letter*"}})) == ["for-bob"]


async def test_without_an_e_mail_there_are_no_letters(inbox: Any, visit: Visit, strangers_store: Any, listed: Listed):
    nobody = a_person("nobody")
    token = signed_token(sub=nobody.id, scope=f"ws:{nobody.workspace}#a")
    client = await visit(nobody._replace(token=token))
    manager = await client.get_service("public/artifact-manager")
    assert await manager.list(inbox.id) == []
    assert listed(nobody._replace(token=token)) == []
    with refusal("PermissionError"):
        await strangers_store.list(inbox.id)


@pytest.mark.parametrize("field", [None, 7, "", ["to"]])
async def test_an_inbox_needs_a_recipient_field(store: Any, bobs_store: Any, field: Any, bob: Person, url: str):
    config = {**RULES, "recipient_field": field}
    broken = await store.create(alias="broken", type="collection", manifest={"name": "Broken"}, config=config)
    await store.create(alias="letter", parent_id=broken.id, manifest={"name": "Letter", "to": bob.email})
    with refusal("ValueError: .*recipient_field"):
        await bobs_store.list(broken.id)
    answer = requests.get(f"{url}/{broken.workspace}/artifacts/broken/children", headers=bob.headers, timeout=10)
    assert answer.status_code == 400
    assert "recipient_field" in answer.json()["detail"]


async def test_a_letter_is_written_by_anybody_and_read_by_its_addressee_alone(inbox: Any, bobs_store: Any, bob: Person):
    sent = await bobs_store.create(parent_id=inbox.id, manifest={"name": "Reply", "to": "ada@example.org"})
    assert sent.id not in [item["id"] for item in await bobs_store.list(inbox.id)]


async def test_addressees_delete_their_own_letters_where_that_is_allowed(store: Any, inbox: Any, bobs_store: Any):
    with refusal("PermissionError: .*delete"):
        await bobs_store.delete(f"{inbox.workspace}/for-bob")
    await store.edit(inbox.id, config={**RULES, "recipient_can_delete": True})
    for refused in ({"artifact_id": f"{inbox.workspace}/for-eve"},
                    {"artifact_id": f"{inbox.workspace}/for-bob", "recursive": True},
                    {"artifact_id": f"{inbox.workspace}/for-bob", "version": "v0"}):  # fmt: skip
        with refusal("PermissionError: .*permission"):
            await bobs_store.delete(**refused)
    await bobs_store.delete(f"{inbox.workspace}/for-bob")
    assert names(await store.list(inbox.id)) == ["for-eve", "also-for-eve"]


async def test_a_limited_or_read_only_token_deletes_no_letters(
    store: Any, inbox: Any, visit: Visit, bob: Person, url: str
):
    await store.edit(inbox.id, config={**RULES, "recipient_can_delete": True})
    bobs_server = await visit(bob)
    letter = f"{inbox.workspace}/for-bob"
    own = await (await bobs_server.get_service("public/artifact-manager")).create(alias="own", manifest={"name": "Own"})
    limited = await bobs_server.generate_token({"extra_scopes": [f"get_file:{own.id}:*"]})
    bound = await bobs_server.generate_token({"permission": "read"})
    for token in (limited, bound):
        answer = requests.post(
            f"{url}/public/services/artifact-manager/delete",
            json={"artifact_id": letter},
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        )
        assert answer.status_code == 403, answer.text
    assert "for-bob" in names(await store.list(inbox.id))
