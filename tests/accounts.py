"""Accounts on a private catalog, and a clock that stands still until told, for tests about people and tokens."""

from typing import Self

import jwt

from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.auth.identify import Identify
from armarium.auth.tokens import TokenMaker
from armarium.core.accounts import Accounts
from armarium.domain.principal import ROOT, Principal

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


class World:
    """Accounts with everything around them, as the composition root wires it."""

    def __init__(self, *, anonymous: bool = True) -> None:
        self.clock = FixedClock()
        self.catalog = SqliteCatalog()
        self.accounts = Accounts(self.catalog, self.clock)
        self.identify = Identify(
            self.catalog,
            self.accounts,
            self.clock,
            jwt_key=JWT_KEY,
            root_token=ROOT_TOKEN,
            anonymous=anonymous,
        )
        self.tokens = TokenMaker(self.accounts, self.clock, jwt_key=JWT_KEY)

    async def __aenter__(self) -> Self:
        await self.catalog.open()
        await self.accounts.workspaces.prepare()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.catalog.close()

    async def user(self, name: str, **options) -> Principal:
        """A user who is there, logged in with an opaque token."""
        if await self.catalog.find_user(name) is None:
            await self.accounts.create_user(ROOT, name, **options)
        return await self.identify((await self.accounts.issue_token(ROOT, name)).text)

    def mint(self, subject: str, *, expires_in: float = 3600, key: bytes = JWT_KEY, **claims) -> str:
        """A token as somebody else with the secret would make it; short names stand for the long claims."""
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
