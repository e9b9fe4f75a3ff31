from collections.abc import AsyncIterator

import pytest

from armarium.domain.errors import AlreadyExists, Forbidden, Invalid, NotAuthenticated, NotFound
from armarium.domain.principal import ROOT, Role
from armarium.faces.hypha.credentials import Credentials
from tests.accounts import JWT_KEY, ROOT_TOKEN, World

HOME = "ws-user-alice"


class Door(World):
    """The world, with the Hypha door's credentials."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.credentials = Credentials(self.accounts, self.identify, self.clock, jwt_key=JWT_KEY)

    async def enter(self, token=None, workspace=None, client_id="c1", reconnection_token=None):
        return await self.credentials.connect(token, reconnection_token, workspace, client_id)

    async def opaque(self, user="alice", **options) -> str:
        return (await self.accounts.issue_token(ROOT, user, **options)).text


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door() as door:
        await door.accounts.create_user(ROOT, "alice", email="alice@example.org")
        await door.accounts.workspaces.create(ROOT, "lab-a", owner="alice")
        await door.accounts.workspaces.create(ROOT, "lab-b")
        yield door


# coming in


async def test_a_visitor_gets_a_workspace_of_their_own(door):
    one, other = await door.enter(), await door.enter(client_id="c2")
    assert one.principal.id.startswith("anonymouz-")
    assert one.workspace == f"ws-user-{one.principal.id}"
    assert one.principal.roles == ("anonymous",)
    assert one.principal.expires_at == door.clock.now() + 600
    assert await door.credentials.role(one, one.workspace) is Role.ADMIN
    assert one.workspace != other.workspace
    assert await door.catalog.find_workspace(one.workspace) is None


@pytest.mark.parametrize("workspace", ["public", "lab-a", "ws-anonymous", HOME])
async def test_a_visitor_has_no_permission_elsewhere(door, workspace):
    with pytest.raises(Forbidden, match="permission"):
        await door.enter(workspace=workspace)


async def test_visitors_can_be_kept_out():
    async with Door(anonymous=False) as door:
        with pytest.raises(NotAuthenticated):
            await door.enter()


@pytest.mark.parametrize("workspace", [None, "", HOME, "public"])
async def test_a_user_lands_at_home_also_when_asking_for_public(door, workspace):
    for token in (await door.opaque(), door.mint("alice"), door.mint("alice", scope=f"ws:{HOME}#a")):
        session = await door.enter(token, workspace)
        assert (session.principal.id, session.workspace, session.client_id) == ("alice", HOME, "c1")


async def test_a_user_enters_workspaces_they_are_a_member_of(door):
    token = await door.opaque()
    assert (await door.enter(token, "lab-a")).workspace == "lab-a"
    with pytest.raises(Forbidden, match="permission"):
        await door.enter(token, "lab-b")
    with pytest.raises(NotFound):
        await door.enter(token, "lab-z")


async def test_someone_new_gets_a_home(door):
    session = await door.enter(door.mint("user-7"))
    assert session.workspace == "ws-user-user-7"
    assert await door.credentials.role(session, "ws-user-user-7") is Role.ADMIN


async def test_a_token_bound_to_a_workspace_enters_no_other(door):
    token = await door.opaque(workspace="lab-a")
    assert (await door.enter(token)).workspace == "lab-a"
    with pytest.raises(Forbidden, match="does not match"):
        await door.enter(token, HOME)


async def test_a_child_token_that_names_one_workspace_leads_there(door):
    assert (await door.enter(door.mint("robot", parent="alice", scope="ws:lab-a#rw"))).workspace == "lab-a"
    assert (await door.enter(door.mint("robot", parent="alice", scope=f"ws:lab-a#r ws:{HOME}#r"))).workspace == HOME


async def test_root_enters_anywhere(door):
    assert (await door.enter(ROOT_TOKEN)).workspace == "ws-user-root"
    for workspace in ("public", "lab-b", HOME):
        assert (await door.enter(ROOT_TOKEN, workspace)).workspace == workspace


async def test_a_token_for_another_client_is_refused(door):
    session = await door.enter(await door.opaque())
    token = await door.credentials.generate_token(session, {"client_id": "c2"})
    with pytest.raises(Forbidden, match="client"):
        await door.enter(token)
    assert (await door.enter(token, client_id="c2")).principal.parent == "alice"


async def test_a_specialised_token_is_refused(door):
    session = await door.enter(await door.opaque())
    token = await door.credentials.generate_token(session, {"extra_scopes": [f"get_file:{HOME}/data:*"]})
    with pytest.raises(Forbidden, match="cannot be used for general workspace access"):
        await door.enter(token)


# coming back


async def test_who_comes_back_is_who_they_were(door):
    for token in (await door.opaque(), door.mint("alice"), ROOT_TOKEN, None, await door.opaque(workspace="lab-a")):
        before = await door.enter(token)
        again, life = await door.credentials.reconnection_token(before, "c1")
        after = await door.enter(None, before.workspace, reconnection_token=again)
        assert (after.principal.id, after.workspace) == (before.principal.id, before.workspace)
        assert after.principal.is_anonymous == before.principal.is_anonymous
        assert await door.credentials.role(after, after.workspace) is Role.ADMIN
        assert life == (600 if token is None else 2 * 86400)


async def test_after_coming_back_generated_tokens_are_good_for_any_client(door):
    before = await door.enter(await door.opaque())
    again, _ = await door.credentials.reconnection_token(before, "c1")
    after = await door.enter(None, reconnection_token=again)
    token = await door.credentials.generate_token(after, {})
    assert (await door.enter(token, client_id="c2")).workspace == HOME


async def test_a_reconnection_token_is_good_for_its_client_only(door):
    again, _ = await door.credentials.reconnection_token(await door.enter(await door.opaque()), "c1")
    with pytest.raises(Forbidden, match="client"):
        await door.enter(None, client_id="c2", reconnection_token=again)


@pytest.mark.parametrize("bad", ["rubbish", "a.b.c"])
async def test_a_good_token_outweighs_a_bad_reconnection_token(door, bad):
    assert (await door.enter(await door.opaque(), reconnection_token=bad)).principal.id == "alice"
    with pytest.raises(NotAuthenticated):
        await door.enter(None, reconnection_token=bad)


# tokens


async def test_a_generated_token_has_the_defaults_clients_expect(door):
    session = await door.enter(await door.opaque())
    made = (await door.enter(await door.credentials.generate_token(session, {}))).principal
    assert made.grants == {HOME: Role.READ_WRITE}
    assert made.expires_at == door.clock.now() + 3600
    assert (made.parent, made.email) == ("alice", "alice@example.org")


@pytest.mark.parametrize(
    ("permission", "role"),
    [("read", Role.READ), ("read_write", Role.READ_WRITE), ("admin", Role.ADMIN), (None, Role.READ_WRITE)],
)
async def test_permissions_are_read_by_their_names(door, permission, role):
    session = await door.enter(await door.opaque())
    config = {"permission": permission, "expires_in": 60, "unknown": 1}
    made = (await door.enter(await door.credentials.generate_token(session, config))).principal
    assert made.grants == {HOME: role}


@pytest.mark.parametrize(
    "config",
    [{"permission": "boss"}, {"permission": 7}, {"expires_in": "soon"}, {"expires_in": 1e300}, {"expires_in": -1},
     {"expires_in": float("nan")}, {"extra_scopes": "x"}, {"extra_scopes": [1]}, {"workspace": 1}],
)  # fmt: skip
async def test_odd_token_options_are_refused(door, config):
    session = await door.enter(await door.opaque())
    with pytest.raises(Invalid):
        await door.credentials.generate_token(session, config)


async def test_a_token_can_be_described(door):
    session = await door.enter(await door.opaque())
    told = await door.credentials.parse_token(session, await door.credentials.generate_token(session, {}))
    assert told["parent"] == "alice"
    assert told["scope"]["workspaces"] == {HOME: "rw"}
    assert told["scope"]["current_workspace"] == HOME
    with pytest.raises(NotAuthenticated):
        await door.credentials.parse_token(session, "rubbish")


async def test_a_token_can_be_revoked_by_who_made_it(door):
    session = await door.enter(await door.opaque())
    for token in (await door.opaque(), await door.credentials.generate_token(session, {}), door.mint("alice")):
        await door.enter(token)
        await door.credentials.revoke_token(session, token)
        with pytest.raises(NotAuthenticated):
            await door.enter(token)


async def test_nobody_revokes_the_tokens_of_others(door):
    await door.accounts.create_user(ROOT, "bob")
    bob = await door.enter(await door.opaque("bob"))
    for token in (await door.opaque(), door.mint("alice")):
        with pytest.raises(Forbidden):
            await door.credentials.revoke_token(bob, token)
        await door.enter(token)


# workspaces


async def test_a_workspace_is_made_and_described(door):
    session = await door.enter(await door.opaque())
    config = {"id": "my-lab", "name": "My lab", "description": "d", "owners": ["bob", "alice"], "persistent": True}
    made = await door.credentials.create_workspace(session, config, False)
    assert made == {
        "type": "workspace", "id": "my-lab", "name": "My lab", "description": "d", "persistent": True,
        "owners": ["alice", "bob"], "read_only": False, "icon": None, "covers": [], "docs": None, "service_types": {},
        "config": {}, "status": {"ready": True, "errors": None},
    }  # fmt: skip
    assert await door.credentials.workspace_info(session, "my-lab") == made
    assert (await door.enter(await door.opaque(), "my-lab")).workspace == "my-lab"
    with pytest.raises(AlreadyExists, match="Workspace already exists: my-lab"):
        await door.credentials.create_workspace(session, config, False)
    await door.credentials.create_workspace(session, config, True)
    listed = await door.credentials.list_workspaces(session, 0, 256)
    assert [each["id"] for each in listed] == ["lab-a", "my-lab", HOME]
    await door.credentials.delete_workspace(session, "my-lab")
    with pytest.raises(NotFound):
        await door.credentials.workspace_info(session, "my-lab")


@pytest.mark.parametrize(
    "config", [{}, {"id": ""}, {"id": "lab"}, {"id": 7}, {"id": "Lab-A"}, {"id": "x-y", "owners": "z"}]
)
async def test_bad_workspaces_are_refused(door, config):
    session = await door.enter(await door.opaque())
    with pytest.raises(Invalid):
        await door.credentials.create_workspace(session, config, False)


async def test_a_visitor_makes_no_workspace_but_sees_their_own(door):
    session = await door.enter()
    with pytest.raises(Forbidden):
        await door.credentials.create_workspace(session, {"id": "my-lab"}, False)
    info = await door.credentials.workspace_info(session, session.workspace)
    assert (info["id"], info["persistent"], info["owners"]) == (session.workspace, False, [session.principal.id])
    with pytest.raises(Forbidden):
        await door.credentials.workspace_info(session, "lab-a")
