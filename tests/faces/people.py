"""People for the tests of the doors: made by a signed token, as a login service elsewhere would make them."""

import itertools
import os
import time
from typing import Any, NamedTuple

import jwt

JWT_SECRET = "shared by the tests and the servers they start"
EMAIL = "https://amun.ai/email"

_numbers = itertools.count(1)


class Person(NamedTuple):
    """Someone with a workspace of their own and a token that opens every door."""

    id: str
    email: str
    token: str

    @property
    def workspace(self) -> str:
        return f"ws-user-{self.id}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def a_person(name: str = "ada") -> Person:
    """Someone nobody has met before, in whichever process the test runs."""
    user_id = f"{name}-{os.getpid()}-{next(_numbers)}"
    email = f"{user_id}@example.org"
    return Person(user_id, email, signed_token(sub=user_id, scope=f"ws:ws-user-{user_id}#a", **{EMAIL: email}))


def signed_token(*, secret: str = JWT_SECRET, lifetime_seconds: float = 3600, **claims: Any) -> str:
    expires_at = int(time.time() + lifetime_seconds)
    return jwt.encode({"exp": expires_at, **claims}, secret, algorithm="HS256")
