"""Accounts in memory, with a clock that stands still until told: what tests about people and tokens share."""

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from armarium.auth.identify import Identify
from armarium.auth.tokens import TokenMaker
from armarium.core.accounts import AccountsService
from armarium.domain.account import Token, User, Workspace
from armarium.domain.principal import Principal, Role

JWT_KEY = b"a secret others hold as well, 42 bytes long"
ROOT_TOKEN = "an-operator-token-of-forty-characters-!!"


class FixedClock:
    """Time that moves when told, and ids in order."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.time = now
        self._ids = 0

    def now(self) -> float:
        return self.time

    def new_id(self) -> str:
        self._ids += 1
        return f"01a20032-4740-7124-b014-{self._ids:012x}"


class MemoryAccounts:
    """The part of a catalog that accounts need."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.workspaces: dict[str, Workspace] = {}
        self.roles: dict[tuple[str, str], Role] = {}
        self.tokens: dict[str, Token] = {}
        self.revoked: set[str] = set()
        self.events: list = []
        self.artifacts: dict[str, str] = {}
        self.reads = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["MemoryAccounts"]:
        before = copy.copy(self.__dict__)
        kept = {name: copy.copy(value) for name, value in before.items()}
        try:
            yield self
        except BaseException:
            self.__dict__.update(kept)
            raise

    async def find_user(self, user_id):
        self.reads += 1
        return self.users.get(user_id)

    async def list_users(self, *, offset=0, limit=256):
        return [self.users[name] for name in sorted(self.users)][offset : offset + limit]

    async def insert_user(self, user):
        return self.users.setdefault(user.id, user) is user

    async def update_user(self, user):
        known = user.id in self.users
        self.users[user.id] = user
        return known

    async def find_workspace(self, name, *, viewer=None):
        workspace = self.workspaces.get(name)
        role = self.roles.get((name, viewer or ""))
        return workspace and msgspec.structs.replace(workspace, membership=role)

    async def list_workspaces(self, *, member, offset=0, limit=256):
        names = [name for name in sorted(self.workspaces) if member is None or (name, member) in self.roles]
        return [self.workspaces[name] for name in names][offset : offset + limit]

    async def insert_workspace(self, workspace):
        return self.workspaces.setdefault(workspace.name, workspace) is workspace

    async def update_workspace(self, workspace):
        old = self.workspaces[workspace.name]
        self.workspaces[workspace.name] = msgspec.structs.replace(
            old, title=workspace.title, description=workspace.description, persistent=workspace.persistent
        )
        return True

    async def delete_workspace(self, name):
        self.workspaces.pop(name, None)
        self.roles = {key: role for key, role in self.roles.items() if key[0] != name}

    async def count_artifacts(self, query):
        return sum(place == query.workspace for place in self.artifacts.values())

    async def find_artifact(self, ref, **_):
        return None

    async def memberships(self, user_id):
        return {name: role for (name, member), role in self.roles.items() if member == user_id}

    async def list_members(self, workspace):
        return {member: role for (name, member), role in sorted(self.roles.items()) if name == workspace}

    async def put_member(self, workspace, user_id, role):
        if role is None:
            self.roles.pop((workspace, user_id), None)
        else:
            self.roles[workspace, user_id] = role

    async def find_token(self, digest):
        self.reads += 1
        return next((token for token in self.tokens.values() if token.digest == digest), None)

    async def find_token_by_id(self, token_id):
        return self.tokens.get(token_id)

    async def list_tokens(self, user_id):
        return [token for token in reversed(self.tokens.values()) if token.user_id == user_id]

    async def insert_token(self, token):
        self.tokens[token.id] = token

    async def is_revoked(self, token_id):
        self.reads += 1
        return token_id in self.revoked

    async def revoke_token(self, token_id, *, expires_at):
        self.revoked.add(token_id)
        self.tokens.pop(token_id, None)

    async def add_event(self, event):
        self.events.append(event)


class World:
    """Accounts with everything around them, as the composition root wires it."""

    def __init__(self, catalog=None, *, anonymous: bool = True) -> None:
        self.clock = FixedClock()
        self.catalog = catalog or MemoryAccounts()
        self.accounts = AccountsService(self.catalog, self.clock)
        self.identify = Identify(
            self.catalog,
            self.accounts,
            self.clock,
            jwt_key=JWT_KEY,
            root_token=ROOT_TOKEN,
            anonymous=anonymous,
        )
        self.tokens = TokenMaker(self.accounts, self.clock, jwt_key=JWT_KEY)

    async def user(self, name: str, **options) -> Principal:
        """A user who is there, logged in with an opaque token."""
        from armarium.domain.principal import ROOT

        if await self.catalog.find_user(name) is None:
            await self.accounts.create_user(ROOT, name, **options)
        return await self.identify((await self.accounts.issue_token(ROOT, name)).text)

    def mint(self, subject: str, *, expires_in: float = 3600, key: bytes = JWT_KEY, **claims) -> str:
        """A token as somebody else with the secret would make it; short names stand for the long claims."""
        import jwt

        long = {name: f"https://amun.ai/{name}" for name in ("roles", "email", "parent")}
        named = {long.get(name, name): value for name, value in claims.items()}
        payload = {
            "iss": "https://amun.ai/",
            "aud": "https://amun-ai.example/api/v2/",
            "sub": subject,
            "iat": int(self.clock.now()),
            "exp": int(self.clock.now() + expires_in),
            "gty": "client-credentials",
            **named,
        }
        return jwt.encode(payload, key, algorithm="HS256")
