import json
from base64 import urlsafe_b64encode

import jwt as pyjwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.auth import jwt
from armarium.auth.scope import Scope
from armarium.domain.errors import NotAuthenticated
from armarium.domain.principal import Role

KEY = b"k" * 64
NOW = 1_800_000_000.0
claims = jwt.Claims(
    subject="amber-folio-1",
    expires_at=NOW + 60,
    token_id="t-1",
    scope=Scope(grants={"lab-a": Role.READ_WRITE}, current_workspace="lab-a", extra=("openid",)),
    roles=("tester",),
    email="a@example.org",
    parent="alice",
    restricted=True,
    lineage=("t-0",),
)


def test_claims_survive_signing():
    assert jwt.decode(jwt.encode(claims, KEY, NOW), KEY, NOW) == claims


def test_a_token_of_the_shape_others_mint_is_read():
    text = pyjwt.encode(
        {
            "iss": "https://amun.ai/", "aud": "https://amun-ai.example/", "sub": "user-1", "iat": NOW, "exp": NOW + 9,
            "scope": "ws:ws-user-user-1#a", "gty": "client-credentials", "https://amun.ai/roles": [],
            "https://amun.ai/email": "user-1@test.com",
        },
        KEY,
    )  # fmt: skip
    read = jwt.decode(text, KEY, NOW)
    assert (read.subject, read.email, read.parent) == ("user-1", "user-1@test.com", None)
    assert read.scope.grants == {"ws-user-user-1": Role.ADMIN}
    assert read.token_id.startswith("sha256:")


@pytest.mark.parametrize("missing", ["exp", "sub"])
def test_a_token_without_end_or_subject_is_refused(missing):
    payload = {"sub": "alice", "exp": NOW + 9}
    del payload[missing]
    with pytest.raises(NotAuthenticated):
        jwt.decode(pyjwt.encode(payload, KEY), KEY, NOW)


def test_a_token_is_good_until_it_expires():
    text = jwt.encode(claims, KEY, NOW)
    assert jwt.decode(text, KEY, NOW + 59)
    with pytest.raises(NotAuthenticated, match="expired"):
        jwt.decode(text, KEY, NOW + 60)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": "never"}, {"exp": None}, {"exp": float("nan")}, {"sub": 7}, {"scope": 7}, {"scope": ["ws:*#a"]},
        {"https://amun.ai/roles": "admin"}, {"https://amun.ai/parent": 1}, {"nbf": NOW + 99}, {"jti": 7},
    ],
)  # fmt: skip
def test_odd_claims_are_refused(changes):
    payload = {"sub": "alice", "exp": NOW + 9} | changes
    with pytest.raises(NotAuthenticated):
        jwt.decode(pyjwt.encode(payload, KEY), KEY, NOW)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_other_algorithms_are_refused(algorithm):
    with pytest.raises(NotAuthenticated):
        jwt.decode(pyjwt.encode({"sub": "alice", "exp": NOW + 9}, KEY, algorithm=algorithm), KEY, NOW)


def test_an_unsigned_token_is_refused():
    parts = [{"alg": "none", "typ": "JWT"}, {"sub": "alice", "exp": NOW + 9}]
    text = ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    for signature in ("", "x"):
        with pytest.raises(NotAuthenticated):
            jwt.decode(f"{text}.{signature}", KEY, NOW)


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text):
    with pytest.raises(NotAuthenticated):
        jwt.decode(text, KEY, NOW)


def test_another_key_is_refused_and_nothing_is_said_about_the_token():
    text = jwt.encode(claims, b"l" * 64, NOW)
    with pytest.raises(NotAuthenticated) as caught:
        jwt.decode(text, KEY, NOW)
    assert caught.value.message == "The token is not valid."
    assert caught.value.__cause__ is None
