"""Users, workspaces, members, tokens and events in any catalog."""

from typing import Any

from armarium.domain.account import Token, User, Workspace
from armarium.domain.account_secret import AccountSecret, SealedSecret
from armarium.domain.bucket import Bucket
from armarium.domain.identifiers import workspace_uuid
from armarium.domain.principal import Role
from armarium.domain.query import Query, Stage
from armarium.ports.catalog import Catalog, Event
from armarium.testing.contracts.catalog_fixtures import a_workspace, an_artifact


def _a_token(id: str = "t1", **values: object) -> Token:
    return Token(id=id, digest=id.encode() * 16, user_id="ada", **values)  # type: ignore[arg-type]


def _a_bucket(id: str, name: str, *, sealed: bytes = b"", **values: Any) -> Bucket:
    known = {"settings": {}, "endpoint": "s3.test", "created_at": 1.5, **values}
    return Bucket(id=id, workspace="lab", name=name, sealed=sealed, **known)


def _an_account_secret(name: str, **values: Any) -> AccountSecret:
    return AccountSecret(workspace="lab", name=name, **values)


class AccountContract:
    """Needs a fixture `catalog`."""

    async def test_a_user_is_inserted_once(self, catalog: Catalog) -> None:
        ada = User(id="ada", email="ada@example.org", roles=("admin", "x"), created_at=1.5)
        async with catalog.transaction() as tx:
            assert await tx.insert_user(ada)
            assert not await tx.insert_user(User(id="ada"))
        assert await catalog.find_user("ada") == ada
        assert await catalog.find_user("grace") is None

    async def test_a_workspace_tells_its_viewer_their_role(self, catalog: Catalog) -> None:
        lab = await a_workspace(catalog, "lab", title="Lab", owner="ada", persistent=False, created_at=2.5)
        async with catalog.transaction() as tx:
            assert not await tx.insert_workspace(Workspace(name="lab", owner="eve"))
            await tx.put_member("lab", "grace", Role.READ)
            await tx.put_member("lab", "grace", Role.READ_WRITE)
        assert await catalog.find_workspace("lab") == lab
        assert await catalog.find_workspace("missing") is None
        assert await catalog.find_workspace_by_uuid(workspace_uuid("lab")) == lab
        assert await catalog.find_workspace_by_uuid(workspace_uuid("missing")) is None
        roles = {}
        for viewer in ("ada", "grace", "eve"):
            seen = await catalog.find_workspace("lab", viewer=viewer)
            assert seen is not None
            roles[viewer] = seen.membership
        assert roles == {"ada": Role.ADMIN, "grace": Role.READ_WRITE, "eve": None}

    async def test_a_membership_ends(self, catalog: Catalog) -> None:
        await a_workspace(catalog, "lab", owner="ada")
        await a_workspace(catalog, "den", owner="ada")
        assert await catalog.memberships("ada") == {"lab": Role.ADMIN, "den": Role.ADMIN}
        async with catalog.transaction() as tx:
            await tx.put_member("lab", "ada", None)
        assert await catalog.memberships("ada") == {"den": Role.ADMIN}

    async def test_workspaces_are_listed_by_name(self, catalog: Catalog) -> None:
        for name, owner in (("c", "ada"), ("a", "ada"), ("b", "grace")):
            await a_workspace(catalog, name, owner=owner)
        assert [item.name for item in await catalog.list_workspaces(member=None)] == ["a", "b", "c"]
        mine = await catalog.list_workspaces(member="ada")
        assert [(item.name, item.membership) for item in mine] == [("a", Role.ADMIN), ("c", Role.ADMIN)]
        assert [item.name for item in await catalog.list_workspaces(member=None, offset=1, limit=1)] == ["b"]

    async def test_a_workspace_takes_everything_along(self, catalog: Catalog) -> None:
        await a_workspace(catalog, "ws", owner="ada")
        parent = await an_artifact(catalog, "p")
        await an_artifact(catalog, "c", parent_id=parent)
        await an_artifact(catalog, "p", workspace="other")
        bound, free = _a_token("t1", workspace="ws"), _a_token("t2")
        async with catalog.transaction() as tx:
            await tx.insert_token(bound)
            await tx.insert_token(free)
            await tx.delete_workspace("ws")
        assert await catalog.find_workspace("ws") is None
        assert await catalog.memberships("ada") == {}
        assert await catalog.count_artifacts(Query(stage=Stage.ANY)) == 1
        assert await catalog.find_token(bound.digest) is None
        assert await catalog.find_token(free.digest) == free

    async def test_a_token_is_found_by_digest_until_revoked(self, catalog: Catalog) -> None:
        token = _a_token(label="ci", workspace="ws", role=Role.READ, scopes=("a:b",), created_at=1.5, expires_at=9.5)
        async with catalog.transaction() as tx:
            await tx.insert_token(token)
        assert await catalog.find_token(token.digest) == token
        assert not await catalog.is_revoked("t1")
        async with catalog.transaction() as tx:
            await tx.revoke_token("t1", expires_at=9.5)
            await tx.revoke_token("t1", expires_at=None)
        assert await catalog.find_token(token.digest) is None
        assert await catalog.is_revoked("t1")

    async def test_a_bucket_has_its_name_alone_in_its_workspace(self, catalog: Catalog) -> None:
        await a_workspace(catalog, "lab", owner="ada")
        first = _a_bucket("1", "models", settings={"region": "here"}, sealed=b"keys", updated_at=2.5)
        async with catalog.transaction() as tx:
            assert await tx.put_bucket(first)
            assert await tx.put_bucket(_a_bucket("2", "data"))
            assert not await tx.put_bucket(_a_bucket("2", "models"))
        assert await catalog.find_bucket("lab", "1") == first
        assert await catalog.find_bucket("elsewhere", "1") is None
        assert [bucket.name for bucket in await catalog.list_buckets("lab")] == ["models", "data"]
        async with catalog.transaction() as tx:
            await tx.delete_bucket("1")
            await tx.put_bucket(_a_bucket("2", "models"))
        assert [bucket.name for bucket in await catalog.list_buckets("lab")] == ["models"]

    async def test_a_secret_of_an_account_is_kept_until_it_expires(self, catalog: Catalog) -> None:
        await a_workspace(catalog, "lab")
        await a_workspace(catalog, "den")
        last = SealedSecret(_an_account_secret("b", kind="token"), b"\x00sealed")
        async with catalog.transaction() as tx:
            await tx.put_account_secret(SealedSecret(_an_account_secret("b", expires_at=5), b"first"))
            for secret in (last, SealedSecret(_an_account_secret("Z", expires_at=20), b"brief")):
                await tx.put_account_secret(secret)
        assert await catalog.find_account_secret("lab", "b", now=10.5) == last
        assert await catalog.find_account_secret("den", "b", now=10.5) is None
        assert await catalog.list_account_secrets("den", now=10.5) == []
        assert [one.name for one in await catalog.list_account_secrets("lab", now=19.9)] == ["Z", "b"]
        assert await catalog.list_account_secrets("lab", now=20) == [last.secret]
        assert await catalog.find_account_secret("lab", "Z", now=20) is None
        async with catalog.transaction() as tx:
            await tx.forget_account_secrets("lab", expired_by=20)
            assert not await tx.delete_account_secret("lab", "Z")
            assert await tx.delete_account_secret("lab", "b")
            await tx.put_account_secret(SealedSecret(_an_account_secret("c"), b""))
            await tx.delete_workspace("lab")
        assert await catalog.list_account_secrets("lab", now=0) == []

    async def test_events_are_told_newest_first(self, catalog: Catalog) -> None:
        events = [
            Event(at=number, workspace=workspace, actor="ada", action="edit", artifact_id=about, detail=str(number))
            for number, (workspace, about) in enumerate([("a", "x"), ("b", None), ("a", "y"), ("a", "x")])
        ]
        async with catalog.transaction() as tx:
            for event in events:
                await tx.add_event(event)
        assert await catalog.list_events() == events[::-1]
        assert await catalog.list_events(limit=2) == events[:1:-1]
        assert await catalog.list_events(workspace="b") == [events[1]]
        assert await catalog.list_events(workspace="a", artifact_id="x") == [events[3], events[0]]

    async def test_users_are_listed_by_id(self, catalog: Catalog) -> None:
        users = [User(id=name, email=f"{name}@example.org") for name in ("grace", "Zoe", "ada")]
        async with catalog.transaction() as tx:
            for user in users:
                await tx.insert_user(user)
        assert [user.id for user in await catalog.list_users()] == ["Zoe", "ada", "grace"]
        assert [user.id for user in await catalog.list_users(offset=1, limit=1)] == ["ada"]

    async def test_a_user_is_updated_where_there_is_one(self, catalog: Catalog) -> None:
        changed = User(id="ada", email="new@example.org", roles=("admin",), created_at=1.5)
        async with catalog.transaction() as tx:
            assert not await tx.update_user(changed)
            await tx.insert_user(User(id="ada", created_at=1.5))
            assert await tx.update_user(changed)
        assert await catalog.find_user("ada") == changed

    async def test_a_workspace_is_updated_where_there_is_one(self, catalog: Catalog) -> None:
        changed = Workspace(name="lab", title="New", description="Better", persistent=False)
        async with catalog.transaction() as tx:
            assert not await tx.update_workspace(changed)
        await a_workspace(catalog, "lab", title="Lab", owner="ada", created_at=2.5)
        async with catalog.transaction() as tx:
            assert await tx.update_workspace(changed)
        found = await catalog.find_workspace("lab")
        assert found is not None
        assert (found.title, found.description, found.persistent) == ("New", "Better", False)
        assert (found.owner, found.created_at) == ("ada", 2.5)

    async def test_members_are_listed_by_user(self, catalog: Catalog) -> None:
        await a_workspace(catalog, "lab", owner="grace")
        async with catalog.transaction() as tx:
            await tx.put_member("lab", "Zoe", Role.READ)
            await tx.put_member("lab", "ada", Role.READ_WRITE)
        members = await catalog.list_members("lab")
        assert list(members.items()) == [("Zoe", Role.READ), ("ada", Role.READ_WRITE), ("grace", Role.ADMIN)]
        assert await catalog.list_members("missing") == {}

    async def test_tokens_of_a_user_are_listed_newest_first_and_found_by_id(self, catalog: Catalog) -> None:
        tokens = [_a_token(name, label=name, expires_at=1.0) for name in ("t1", "t2", "t3")]
        async with catalog.transaction() as tx:
            for token in tokens:
                await tx.insert_token(token)
            await tx.revoke_token("t2", expires_at=None)
        assert await catalog.list_tokens("ada") == [tokens[2], tokens[0]]
        assert await catalog.list_tokens("grace") == []
        assert await catalog.find_token_by_id("t1") == tokens[0]
        assert await catalog.find_token_by_id("t2") is None
