import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from armarium.adapters.clock import SystemClock
from armarium.auth.identify import ANONYMOUS
from armarium.domain.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound
from armarium.domain.identifiers import ArtifactId
from armarium.domain.principal import ROOT, Role
from tests.accounts import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


async def add_artifact(world: World, workspace: str, alias: str) -> str:
    """An artifact nobody committed yet; returns its id."""
    artifact_id = ArtifactId(SystemClock().new_id())
    empty = msgspec.Raw(b"{}")
    async with world.catalog.transaction() as tx:
        await tx.insert_artifact(
            id=artifact_id, workspace=workspace, alias=alias, parent_id=None, type="generic", manifest=empty,
            config=empty, created_by="alice", now=world.clock.now(), fields=(),
        )  # fmt: skip
    return artifact_id


# the first start


async def test_the_first_start_makes_an_admin_and_says_the_token_once(world):
    text = await world.accounts.bootstrap()
    admin = await world.identify(text)
    assert admin.id == "admin"
    assert admin.is_site_admin
    assert await world.accounts.bootstrap() is None


async def test_the_server_has_its_own_workspaces_from_the_start(world):
    await world.accounts.bootstrap()
    names = [workspace.name for workspace in await world.accounts.workspaces.list(ROOT)]
    assert names == ["public", "ws-anonymous", "ws-user-admin", "ws-user-root"]
    public = await world.accounts.workspaces.get(ROOT, "public")
    assert (public.owner, public.persistent) == ("root", True)


async def test_a_server_with_users_says_no_token(world):
    await world.accounts.create_user(ROOT, "alice")
    assert await world.accounts.bootstrap() is None
    assert await world.catalog.find_user("admin") is None


async def test_two_first_starts_at_once_say_one_token(world):
    said = await asyncio.gather(*(world.accounts.bootstrap() for _ in range(5)))
    assert len([text for text in said if text]) == 1


# users


async def test_a_user_comes_with_a_home(world):
    await world.accounts.create_user(ROOT, "alice", email="alice@example.org")
    home = await world.catalog.find_workspace("ws-user-alice", viewer="alice")
    assert (home.owner, home.membership) == ("alice", Role.ADMIN)


async def test_users_are_unique_and_well_named(world):
    await world.accounts.create_user(ROOT, "alice")
    with pytest.raises(AlreadyExists):
        await world.accounts.create_user(ROOT, "alice")
    for name in ("root", "anonymouz-x", "a b", ""):
        with pytest.raises((Invalid, AlreadyExists)):
            await world.accounts.create_user(ROOT, name)


async def test_managing_users_takes_an_operator(world):
    alice = await world.user("alice")
    for attempt in (
        world.accounts.create_user(alice, "bob"),
        world.accounts.create_user(ANONYMOUS, "bob", admin=True),
        world.accounts.list_users(alice),
        world.accounts.disable_user(alice, "admin"),
    ):
        with pytest.raises(Forbidden):
            await attempt


async def test_nobody_locks_themselves_out(world):
    boss = await world.user("boss", admin=True)
    for name in ("boss", "root"):
        with pytest.raises(Invalid):
            await world.accounts.disable_user(boss, name)
    with pytest.raises(NotFound):
        await world.accounts.disable_user(boss, "nobody")


async def test_what_happens_to_accounts_is_written_down(world):
    alice = await world.user("alice")
    await world.accounts.workspaces.create(alice, "lab-a")
    told = [(event.actor, event.action, event.workspace) for event in await world.catalog.list_events()]
    assert told[::-1] == [
        ("root", "create_user", "ws-user-alice"),
        ("root", "issue_token", "ws-user-alice"),
        ("alice", "create_workspace", "lab-a"),
    ]


# tokens


async def test_a_token_is_stored_only_as_a_digest(world):
    await world.user("alice")
    issued = await world.accounts.issue_token(ROOT, "alice", label="laptop")
    assert issued.text not in repr(issued)
    listed = (await world.accounts.list_tokens(ROOT, "alice"))[0]
    assert (listed.id, listed.label, len(listed.digest)) == (issued.token.id, "laptop", 32)
    assert issued.text not in repr(listed)


async def test_a_user_makes_lists_and_ends_their_own_tokens(world):
    alice = await world.user("alice")
    issued = await world.accounts.issue_token(alice, "alice")
    assert issued.token in await world.accounts.list_tokens(alice, "alice")
    await world.accounts.revoke(alice, issued.token.id)
    assert issued.token not in await world.accounts.list_tokens(alice, "alice")


async def test_nobody_makes_lists_or_ends_tokens_of_others(world):
    alice, bob = await world.user("alice"), await world.user("bob")
    for attempt in (
        world.accounts.issue_token(bob, "alice"),
        world.accounts.list_tokens(bob, "alice"),
        world.accounts.revoke(bob, alice.token_ids[0]),
        world.accounts.issue_token(ANONYMOUS, ANONYMOUS.id),
    ):
        with pytest.raises(Forbidden):
            await attempt


@pytest.mark.parametrize(
    "narrow",
    [{"role": Role.READ}, {"role": Role.READ_WRITE}, {"workspace": "ws-user-alice"},
     {"scopes": ("get_file:ws-user-alice/x:*",)}, {"scopes": ("openid",)}],
)  # fmt: skip
async def test_a_narrow_token_makes_no_wider_one(world, narrow):
    await world.user("alice")
    narrowed = await world.identify((await world.accounts.issue_token(ROOT, "alice", **narrow)).text)
    with pytest.raises(Forbidden):
        await world.accounts.issue_token(narrowed, "alice")


async def test_a_token_that_ends_makes_none_that_lasts(world):
    await world.user("alice")
    text = (await world.accounts.issue_token(ROOT, "alice", expires_in=timedelta(hours=1))).text
    issued = await world.accounts.issue_token(await world.identify(text), "alice")
    assert issued.token.expires_at == world.clock.now() + 3600


async def test_a_token_is_made_for_what_exists(world):
    await world.user("alice")
    with pytest.raises(NotFound, match="User"):
        await world.accounts.issue_token(ROOT, "nobody")
    with pytest.raises(NotFound, match="Workspace"):
        await world.accounts.issue_token(ROOT, "alice", workspace="nowhere")
    uuid = "01a20032-4740-7124-b014-9ae62cc7160f"
    with pytest.raises(NotFound, match="Artifact"):
        await world.accounts.issue_token(ROOT, "alice", scopes=(f"get_file:{uuid}:*",))
    with pytest.raises(NotFound, match="Token"):
        await world.accounts.revoke(ROOT, "no-such-token")


async def test_scopes_reach_only_where_the_caller_is_an_admin(world):
    alice = await world.user("alice")
    await world.accounts.issue_token(alice, "alice", scopes=("get_file:ws-user-alice/x:*",))
    with pytest.raises(Forbidden):
        await world.accounts.issue_token(alice, "alice", scopes=("get_file:public/x:*",))
    mine, theirs = await add_artifact(world, "ws-user-alice", "x"), await add_artifact(world, "public", "x")
    await world.accounts.issue_token(alice, "alice", scopes=(f"get_file:{mine}:*",))
    with pytest.raises(Forbidden):
        await world.accounts.issue_token(alice, "alice", scopes=(f"get_file:{theirs}:*",))


# workspaces


async def test_a_user_makes_a_workspace_and_is_its_admin(world):
    alice = await world.user("alice")
    made = await world.accounts.workspaces.create(alice, "lab-a", title="Lab", description="of A")
    assert (made.name, made.title, made.owner, made.membership) == ("lab-a", "Lab", "alice", Role.ADMIN)
    assert await world.accounts.workspaces.members(alice, "lab-a") == {"alice": Role.ADMIN}


async def test_a_name_is_taken_once_unless_its_admin_overwrites(world):
    alice, bob = await world.user("alice"), await world.user("bob")
    workspaces = world.accounts.workspaces
    await workspaces.create(alice, "lab-a", title="old")
    for who in (alice, bob):
        with pytest.raises(AlreadyExists, match="Workspace already exists: lab-a"):
            await workspaces.create(who, "lab-a")
    assert (await workspaces.create(alice, "lab-a", title="new", overwrite=True)).title == "new"
    with pytest.raises(Forbidden):
        await workspaces.create(bob, "lab-a", title="mine", overwrite=True)
    assert (await workspaces.get(alice, "lab-a")).title == "new"


@pytest.mark.parametrize("name", ["lab", "Lab-A", "ws-user-bob", "ws-anonymous", "public", "rpc", "a b-c", "../x-y"])
async def test_bad_and_reserved_names_are_refused(world, name):
    with pytest.raises(Invalid):
        await world.accounts.workspaces.create(await world.user("alice"), name)


async def test_an_operator_gives_names_without_a_hyphen_but_no_reserved_ones(world):
    assert (await world.accounts.workspaces.create(ROOT, "harbour")).owner == "root"
    for name in ("rpc", "health", "v1", "public"):
        with pytest.raises(Invalid):
            await world.accounts.workspaces.create(ROOT, name)


async def test_visitors_and_narrow_credentials_make_no_workspace(world):
    await world.user("alice")
    read = await world.identify((await world.accounts.issue_token(ROOT, "alice", role=Role.READ)).text)
    limited = await world.identify((await world.accounts.issue_token(ROOT, "alice", scopes=("a:b",))).text)
    for principal in (ANONYMOUS, read, limited):
        with pytest.raises(Forbidden, match="permission"):
            await world.accounts.workspaces.create(principal, "lab-a")


async def test_only_an_operator_makes_workspaces_for_others(world):
    alice = await world.user("alice")
    await world.user("bob")
    with pytest.raises(Forbidden):
        await world.accounts.workspaces.create(alice, "lab-a", owner="bob")
    assert (await world.accounts.workspaces.create(ROOT, "lab-a", owner="bob")).owner == "bob"
    with pytest.raises(NotFound):
        await world.accounts.workspaces.create(ROOT, "lab-b", owner="nobody")


async def test_there_is_a_most_a_user_may_own(world, monkeypatch):
    monkeypatch.setattr("armarium.core.workspaces.MAX_OWNED", 3)
    alice = await world.user("alice")  # whose home is the first
    for name in ("lab-a", "lab-b"):
        await world.accounts.workspaces.create(alice, name)
    with pytest.raises(Forbidden):
        await world.accounts.workspaces.create(alice, "lab-c")
    assert await world.catalog.find_workspace("lab-c") is None


async def test_an_empty_workspace_can_be_deleted_by_its_admins(world):
    alice, bob = await world.user("alice"), await world.user("bob")
    workspaces = world.accounts.workspaces
    await workspaces.create(alice, "lab-a")
    await workspaces.set_member(alice, "lab-a", "bob", Role.READ_WRITE)
    with pytest.raises(Forbidden):
        await workspaces.delete(bob, "lab-a")
    await workspaces.delete(alice, "lab-a")
    with pytest.raises(NotFound):
        await workspaces.get(alice, "lab-a")


async def test_a_workspace_with_artifacts_stays_and_says_how_many(world):
    alice = await world.user("alice")
    await world.accounts.workspaces.create(alice, "lab-a")
    for alias in ("one", "two"):
        await add_artifact(world, "lab-a", alias)
    with pytest.raises(Conflict, match="2 artifacts"):
        await world.accounts.workspaces.delete(alice, "lab-a")


@pytest.mark.parametrize("name", ["public", "ws-anonymous", "ws-user-alice"])
async def test_homes_and_the_servers_own_stay(world, name):
    await world.user("alice")
    with pytest.raises(Invalid):
        await world.accounts.workspaces.delete(ROOT, name)


async def test_everybody_lists_what_they_have_a_role_in(world):
    alice, bob = await world.user("alice"), await world.user("bob")
    workspaces = world.accounts.workspaces
    await workspaces.create(alice, "lab-a")
    await workspaces.set_member(alice, "lab-a", "bob", Role.READ)
    bound = await world.identify((await world.accounts.issue_token(ROOT, "alice", workspace="lab-a")).text)
    seen = {who.id: [each.name for each in await workspaces.list(who)] for who in (alice, bob, ANONYMOUS)}
    assert seen["alice"] == ["lab-a", "ws-user-alice"]
    assert seen["bob"] == ["lab-a", "ws-user-bob"]
    assert seen[ANONYMOUS.id] == ["ws-anonymous"]
    assert [each.name for each in await workspaces.list(bound)] == ["lab-a"]
    assert len(await workspaces.list(ROOT, offset=1, limit=2)) == 2


async def test_strangers_learn_nothing_about_a_workspace(world):
    alice, bob = await world.user("alice"), await world.user("bob")
    await world.accounts.workspaces.create(alice, "lab-a")
    for attempt in (world.accounts.workspaces.get(bob, "lab-a"), world.accounts.workspaces.members(bob, "lab-a")):
        with pytest.raises(Forbidden):
            await attempt


async def test_membership_is_the_admins_to_give_and_the_owner_stays(world):
    alice, bob = await world.user("alice"), await world.user("bob")
    workspaces = world.accounts.workspaces
    await workspaces.create(alice, "lab-a")
    with pytest.raises(Forbidden):
        await workspaces.set_member(bob, "lab-a", "bob", Role.ADMIN)
    await workspaces.set_member(alice, "lab-a", "bob", Role.ADMIN)
    with pytest.raises(Conflict):
        await workspaces.set_member(bob, "lab-a", "alice", None)
    with pytest.raises(NotFound):
        await workspaces.set_member(alice, "lab-a", "nobody", Role.READ)
    await workspaces.set_member(alice, "lab-a", "bob", None)
    assert await workspaces.role(bob, "lab-a") is None
