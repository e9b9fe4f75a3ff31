from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from armarium.auth.identify import ANONYMOUS
from armarium.domain import token_text
from armarium.domain.errors import NotAuthenticated
from armarium.domain.principal import ANYONE, ROOT, Action, Role
from tests.accounts import JWT_KEY, ROOT_TOKEN, World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        await world.accounts.create_user(ROOT, "alice", email="alice@example.org")
        yield world


async def issue(world: World, user: str = "alice", **options) -> str:
    return (await world.accounts.issue_token(ROOT, user, **options)).text


async def refused(world: World, credential: str) -> str:
    with pytest.raises(NotAuthenticated) as caught:
        await world.identify(credential)
    assert credential not in caught.value.message
    return caught.value.message


# nobody


@pytest.mark.parametrize("credential", [None, ""])
async def test_no_credential_is_an_anonymous_reader(world, credential):
    principal = await world.identify(credential)
    assert principal is ANONYMOUS
    assert principal.id == "anonymouz-http"
    assert principal.is_anonymous
    assert principal.role_in("ws-anonymous") is Role.READ
    assert principal.role_in("public") is None


async def test_anonymous_callers_can_be_kept_out():
    async with World(anonymous=False) as world:
        for credential in (None, world.mint("anonymouz-amber-folio-1", roles=["anonymous"])):
            with pytest.raises(NotAuthenticated):
                await world.identify(credential)


@pytest.mark.parametrize(
    "credential",
    [
        "x",
        "arm_",
        "a.b.c",
        "é",
        "\ud800",
        "x" * 100_000,
        token_text.spell(b"\0" * 32),
        "arm_" + "0" * 49,
        ROOT_TOKEN[:-1],
    ],
)
async def test_rubbish_is_refused(world, credential):
    await refused(world, credential)


# opaque tokens


async def test_a_plain_token_is_its_user_with_all_memberships(world):
    principal = await world.identify(await issue(world))
    assert (principal.id, principal.email, principal.parent) == ("alice", "alice@example.org", None)
    assert principal.uses_memberships
    assert principal.grants == {}
    assert principal.current_workspace is None
    assert not principal.read_only


async def test_a_token_for_a_workspace_is_good_there_alone(world):
    await world.accounts.workspaces.create(ROOT, "lab-a", owner="alice")
    principal = await world.identify(await issue(world, workspace="lab-a", role=Role.READ_WRITE))
    assert principal.grants == {"lab-a": Role.READ_WRITE}
    assert principal.current_workspace == "lab-a"
    assert not principal.uses_memberships
    assert principal.role_in("ws-user-alice", Role.ADMIN) is None


async def test_a_token_never_gives_more_than_its_user_has(world):
    await world.accounts.workspaces.create(ROOT, "lab-a")
    text = await issue(world, workspace="lab-a")
    assert (await world.identify(text)).grants == {}
    await world.accounts.workspaces.set_member(ROOT, "lab-a", "alice", Role.READ)
    world.identify.forget()
    assert (await world.identify(text)).grants == {"lab-a": Role.READ}


async def test_a_lesser_token_lowers_every_membership(world):
    principal = await world.identify(await issue(world, role=Role.READ))
    assert principal.grants == {"ws-user-alice": Role.READ}
    assert principal.read_only
    assert principal.role_in("ws-user-alice", Role.ADMIN) is Role.READ


async def test_an_admin_has_every_right_but_not_with_a_lesser_token(world):
    await world.accounts.create_user(ROOT, "boss", admin=True)
    assert (await world.identify(await issue(world, "boss"))).is_site_admin
    lesser = await world.identify(await issue(world, "boss", role=Role.READ))
    assert lesser.grants[ANYONE] is Role.READ
    assert lesser.roles == ()
    bound = await world.identify(await issue(world, "boss", workspace="public"))
    assert bound.grants == {"public": Role.ADMIN}
    assert not bound.is_site_admin


async def test_a_token_with_scopes_is_limited(world):
    principal = await world.identify(await issue(world, scopes=("get_file:ws-user-alice/data:*",)))
    assert principal.is_limited
    assert not principal.uses_memberships
    assert principal.is_limited_to(Action.GET_FILE, ("ws-user-alice/data",), "a.txt")


async def test_an_expired_token_is_refused_even_when_it_was_just_seen(world):
    text = await issue(world, expires_in=timedelta(seconds=1))
    await world.identify(text)
    world.clock.time += 1
    assert "expired" in await refused(world, text)


async def test_a_revoked_token_is_refused_at_once(world):
    text = await issue(world)
    principal = await world.identify(text)
    await world.accounts.revoke(ROOT, principal.token_ids[0])
    await refused(world, text)


async def test_a_disabled_user_is_refused_at_once_and_may_come_back(world):
    credentials = [await issue(world), world.mint("alice"), world.mint("robot", parent="alice")]
    for credential in credentials:
        await world.identify(credential)
    await world.accounts.disable_user(ROOT, "alice")
    for credential in credentials:
        assert "disabled" in await refused(world, credential)
    await world.accounts.disable_user(ROOT, "alice", disabled=False)
    assert (await world.identify(credentials[0])).id == "alice"


# signed tokens


async def test_someone_vouched_for_gets_a_home_on_first_use(world):
    principal = await world.identify(world.mint("auth0|5f3c", email="c@example.org", scope="ws:ws-user-auth0|5f3c#a"))
    assert principal.uses_memberships
    assert principal.role_in("ws-user-auth0|5f3c") is Role.ADMIN
    assert principal.current_workspace is None
    home = await world.catalog.find_workspace("ws-user-auth0|5f3c", viewer="auth0|5f3c")
    assert (home.owner, home.membership) == ("auth0|5f3c", Role.ADMIN)
    assert (await world.catalog.find_user("auth0|5f3c")).email == "c@example.org"


async def test_a_child_token_has_only_its_grants(world):
    principal = await world.identify(
        world.mint("robot", parent="alice", roles=["admin"], scope="ws:lab-a#rw wid:lab-a cid:c1")
    )
    assert principal.effective_id == "alice"
    assert principal.grants == {"lab-a": Role.READ_WRITE}
    assert (principal.current_workspace, principal.client_id) == ("lab-a", "c1")
    assert not principal.uses_memberships
    assert not principal.is_site_admin
    assert await world.catalog.find_user("robot") is None


async def test_the_role_admin_means_every_workspace(world):
    assert (await world.identify(world.mint("carol", roles=["admin"]))).is_site_admin


async def test_an_anonymous_token_leaves_no_trace(world):
    visitor = "anonymouz-amber-folio-1"
    principal = await world.identify(world.mint(visitor, roles=["anonymous"], scope=f"ws:ws-user-{visitor}#a"))
    assert principal.is_anonymous
    assert not principal.uses_memberships
    assert await world.catalog.find_user(visitor) is None


@pytest.mark.parametrize("subject", ["", "a b", "a/b", "../x", "x" * 200])
async def test_a_subject_that_cannot_be_a_user_is_refused(world, subject):
    await refused(world, world.mint(subject))


async def test_a_limited_signed_token_has_no_memberships(world):
    principal = await world.identify(world.mint("alice", scope="ws:ws-user-alice#rw get_file:ws-user-alice/x:*"))
    assert principal.is_limited
    assert not principal.uses_memberships
    assert not principal.is_site_admin


async def test_a_token_of_another_secret_is_refused(world):
    await refused(world, world.mint("alice", key=JWT_KEY[::-1]))


# the operator


async def test_the_root_token_is_the_operator(world):
    assert await world.identify(ROOT_TOKEN) is ROOT


# memory


async def test_what_another_process_revoked_is_believed_for_two_seconds(world):
    text = await issue(world)
    principal = await world.identify(text)
    async with world.catalog.transaction() as tx:
        await tx.revoke_token(principal.token_ids[0], expires_at=None)
    world.clock.time += 1.9
    assert await world.identify(text) is principal
    world.clock.time += 0.1
    await refused(world, text)


async def test_memory_is_bounded(world, monkeypatch):
    monkeypatch.setattr("armarium.auth.identify.MAX_REMEMBERED", 3)
    for number in range(10):
        await world.identify(world.mint(f"user-{number}"))
    assert len(world.identify._remembered) <= 3


async def test_a_revocation_during_verification_is_not_forgotten(world):
    text = await issue(world)
    find = world.catalog.find_user

    async def find_and_revoke(user_id):
        world.identify.forget()
        return await find(user_id)

    world.catalog.find_user = find_and_revoke
    await world.identify(text)
    assert world.identify._remembered == {}
