from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from armarium.auth.identify import ANONYMOUS
from armarium.auth.tokens import TokenRequest
from armarium.domain.errors import Forbidden, Invalid, NotAuthenticated
from armarium.domain.principal import ROOT, Role
from tests.accounts import ROOT_TOKEN, World

HOME = "ws-user-alice"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        await world.user("alice", email="alice@example.org")
        yield world


async def child(world: World, parent, workspace=HOME, **request):
    """The principal of a token generated from another."""
    return await world.identify(await world.tokens.generate(parent, workspace, TokenRequest(**request)))


async def test_a_generated_token_is_an_identity_of_its_own(world):
    alice = await world.user("alice")
    made = await child(world, alice)
    assert made.id != "alice"
    assert made.parent == made.effective_id == "alice"
    assert made.email == "alice@example.org"
    assert made.grants == {HOME: Role.READ_WRITE}
    assert made.current_workspace == HOME
    assert made.expires_at == world.clock.now() + 3600
    assert not made.uses_memberships


async def test_role_workspace_client_and_life_can_be_asked_for(world):
    alice = await world.user("alice")
    await world.accounts.workspaces.create(alice, "lab-a")
    made = await child(world, alice, "lab-a", role=Role.READ, expires_in=timedelta(days=30), client_id="c1")
    assert made.grants == {"lab-a": Role.READ}
    assert made.expires_at == world.clock.now() + 30 * 86400
    other = await world.identify(
        await world.tokens.generate(alice, HOME, TokenRequest(workspace="lab-a", role=Role.ADMIN, client_id="c1"))
    )
    assert other.grants == {"lab-a": Role.ADMIN}
    assert (other.current_workspace, other.client_id) == ("lab-a", "c1")
    assert made.read_only
    assert not other.read_only


@pytest.mark.parametrize("role", [None, Role.READ, Role.READ_WRITE])
async def test_generating_takes_an_admin_of_the_workspace(world, role):
    alice = await world.user("alice")
    await world.accounts.workspaces.create(ROOT, "lab-a")
    if role:
        await world.accounts.workspaces.set_member(ROOT, "lab-a", "alice", role)
    with pytest.raises(Forbidden, match="permission"):
        await world.tokens.generate(alice, "lab-a", TokenRequest(role=Role.READ))


async def test_a_child_with_less_than_admin_generates_nothing(world):
    made = await child(world, await world.user("alice"))
    with pytest.raises(Forbidden):
        await child(world, made, role=Role.READ)


async def test_a_grandchild_never_outlives_or_exceeds_its_parent(world):
    parent = await child(world, await world.user("alice"), role=Role.ADMIN, expires_in=timedelta(minutes=5))
    grandchild = await child(world, parent, role=Role.ADMIN, expires_in=timedelta(days=30))
    assert grandchild.expires_at == parent.expires_at
    assert grandchild.effective_id == "alice"
    with pytest.raises(Forbidden):
        await child(world, parent, "public")


async def test_who_logged_in_elsewhere_may_make_a_token_that_lasts(world):
    alice = await world.identify(world.mint("alice", expires_in=60))
    assert (await child(world, alice, expires_in=timedelta(days=30))).expires_at > world.clock.now() + 86400


async def test_an_opaque_token_that_ends_makes_none_that_lasts(world):
    text = (await world.accounts.issue_token(ROOT, "alice", expires_in=timedelta(minutes=1))).text
    made = await child(world, await world.identify(text))
    assert made.expires_at == world.clock.now() + 60


async def test_revoking_a_token_ends_what_was_made_from_it(world):
    alice = await world.user("alice")
    text = await world.tokens.generate(alice, HOME, TokenRequest(role=Role.ADMIN))
    grandchild = await world.tokens.generate(await world.identify(text), HOME, TokenRequest())
    comes_back, _ = world.tokens.reconnection(alice, HOME, "c1")
    await world.accounts.revoke(ROOT, alice.token_ids[0])
    for credential in (text, grandchild, comes_back):
        with pytest.raises(NotAuthenticated, match="revoked"):
            await world.identify(credential)


@pytest.mark.parametrize(
    "scope", ["ws:*#a", "a b", "a\tws:*#a", "wid:public", "cid:x", "", "x" * 3000, "a\u2003ws:*#a", "a\x85ws:*#a"]
)
async def test_extra_scopes_cannot_smuggle_in_roles(world, scope):
    with pytest.raises(Invalid):
        await child(world, await world.user("alice"), extra_scopes=(scope,))


@pytest.mark.parametrize("field", ["workspace", "client_id"])
@pytest.mark.parametrize("value", ["x ws:*#a", "x\nws:*#a", "a#a ws:b"])
async def test_no_other_part_smuggles_in_roles(world, field, value):
    alice = await world.user("alice")
    with pytest.raises((Invalid, Forbidden)):
        await world.tokens.generate(alice, HOME, TokenRequest(**{field: value}))


async def test_extra_scopes_reach_no_further_than_the_workspace(world):
    alice = await world.user("alice")
    await world.accounts.workspaces.create(alice, "lab-a")
    made = await child(world, alice, extra_scopes=(f"get_file:{HOME}/data:*", "openid"))
    assert made.is_limited
    for elsewhere in ("public/data", "lab-a/data"):
        with pytest.raises(Forbidden):
            await child(world, alice, extra_scopes=(f"get_file:{elsewhere}:*",))


async def test_a_limited_token_generates_nothing(world):
    made = await child(world, await world.user("alice"), role=Role.ADMIN, extra_scopes=(f"get_file:{HOME}/data:*",))
    with pytest.raises(Forbidden):
        await child(world, made)


async def test_a_child_does_not_inherit_the_role_admin(world):
    boss = await world.user("boss", admin=True)
    made = await child(world, boss, "public", role=Role.ADMIN)
    assert made.roles == ()
    assert not made.is_site_admin


async def test_nobody_takes_someone_elses_e_mail(world):
    with pytest.raises(Forbidden):
        await child(world, await world.user("alice"), email="bob@example.org")
    root = await world.identify(ROOT_TOKEN)
    assert (await child(world, root, "public", email="bob@example.org")).email == "bob@example.org"


@pytest.mark.parametrize("expires_in", [timedelta(0), timedelta(seconds=-1), timedelta(days=99999)])
async def test_a_life_must_make_sense(world, expires_in):
    with pytest.raises(Invalid):
        await child(world, await world.user("alice"), expires_in=expires_in)


async def test_every_workspace_takes_an_operator(world):
    with pytest.raises(Forbidden):
        await child(world, await world.user("alice"), "*")
    assert (await child(world, ROOT, "*", role=Role.ADMIN)).is_site_admin


async def test_a_caller_without_credential_generates_nothing(world):
    with pytest.raises(Forbidden):
        await child(world, ANONYMOUS, "ws-anonymous")


async def test_a_reconnection_token_is_the_same_person_on_the_same_client(world):
    for before in (
        await world.user("alice"),
        await child(world, await world.user("alice")),
        await world.identify(ROOT_TOKEN),
        await world.identify(world.mint("carol", roles=["admin"])),
    ):
        text, life = world.tokens.reconnection(before, "public", "c1")
        after = await world.identify(text)
        assert (after.id, after.parent, after.email) == (before.id, before.parent, before.email)
        assert after.is_site_admin == before.is_site_admin
        assert after.role_in(HOME, Role.ADMIN) == before.role_in(HOME, Role.ADMIN)
        assert (after.current_workspace, after.client_id) == ("public", "c1")
        assert life == (3600 if before.parent else 2 * 86400)
        assert not after.may_outlive


async def test_a_narrow_token_comes_back_as_narrow_as_it_was(world):
    text = (await world.accounts.issue_token(ROOT, "alice", role=Role.READ)).text
    after = await world.identify(world.tokens.reconnection(await world.identify(text), HOME, "c1")[0])
    assert after.role_in(HOME, Role.ADMIN) is Role.READ
    assert after.read_only
    assert not after.uses_memberships
