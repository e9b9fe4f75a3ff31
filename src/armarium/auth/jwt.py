"""Signed tokens: HS256 JSON Web Tokens with the claims Hypha clients and servers know.

Issuer and audience are not looked at: whoever holds the secret may mint tokens.
"""

import hashlib
import warnings
from collections.abc import Mapping
from typing import Any

import jwt
import msgspec
from jwt.warnings import InsecureKeyLengthWarning

from armarium.auth.scope import Scope, format_scope, parse_scope
from armarium.domain.errors import NotAuthenticated

# Settings decide how long a shared secret must be; saying it again for every token helps nobody.
warnings.filterwarnings("ignore", category=InsecureKeyLengthWarning)

ISSUER = "armarium"
_NAMESPACE = "https://amun.ai/"
_ROLES, _EMAIL, _PARENT = f"{_NAMESPACE}roles", f"{_NAMESPACE}email", f"{_NAMESPACE}parent"
_RESTRICTED, _LINEAGE = "armarium/restricted", "armarium/lineage"
_LEEWAY_SECONDS = 10
_LONGEST = 16384
_OPTIONS: Any = {
    "require": ["exp", "sub"],
    # The server's clock, not the library's, says what time it is.
    "verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False, "verify_iss": False,
}  # fmt: skip


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a signed token says. expires_at: seconds since the epoch.

    token_id: names the token when it is revoked; one without `jti` is named by its own digest.
    restricted: the subject's memberships do not count. lineage: the tokens it was generated from.
    """

    subject: str
    expires_at: float
    token_id: str
    scope: Scope = Scope()
    roles: tuple[str, ...] = ()
    email: str | None = None
    parent: str | None = None
    restricted: bool = False
    lineage: tuple[str, ...] = ()


class _Payload(msgspec.Struct, frozen=True):
    sub: str
    exp: float
    nbf: float = 0.0
    jti: str | None = None
    scope: str = ""
    roles: tuple[str, ...] | None = msgspec.field(name=_ROLES, default=None)
    email: str | None = msgspec.field(name=_EMAIL, default=None)
    parent: str | None = msgspec.field(name=_PARENT, default=None)
    restricted: bool = msgspec.field(name=_RESTRICTED, default=False)
    lineage: tuple[str, ...] = msgspec.field(name=_LINEAGE, default=())


def looks_signed(text: str) -> bool:
    """Whether a credential has the form of a signed token."""
    return text.count(".") == 2


def encode(claims: Claims, key: bytes, now: float) -> str:
    """Sign a token. Raises Invalid for a scope that cannot be written."""
    payload: dict[str, Any] = {
        "iss": ISSUER,
        "sub": claims.subject,
        "iat": int(now),
        "exp": int(claims.expires_at),
        "jti": claims.token_id,
        "scope": format_scope(claims.scope),
        _ROLES: list(claims.roles),
        _EMAIL: claims.email,
        _PARENT: claims.parent,
    }
    payload |= {_RESTRICTED: True} if claims.restricted else {}
    payload |= {_LINEAGE: list(claims.lineage)} if claims.lineage else {}
    return jwt.encode(payload, key, algorithm="HS256")


def decode(text: str, key: bytes, now: float) -> Claims:
    """Verify a token. Raises NotAuthenticated, which never says what was in it."""
    if len(text) > _LONGEST:
        raise NotAuthenticated("The token is not valid.")
    try:
        decoded: Mapping[str, Any] = jwt.decode(text, key, algorithms=["HS256"], options=_OPTIONS)
        payload = msgspec.convert(decoded, _Payload)
    except (jwt.PyJWTError, msgspec.ValidationError, UnicodeError):
        raise NotAuthenticated("The token is not valid.") from None
    if not payload.exp > now:
        raise NotAuthenticated("The token has expired.")
    if payload.nbf > now + _LEEWAY_SECONDS:
        raise NotAuthenticated("The token is not valid yet.")
    return _claims(payload, text)


def _claims(payload: _Payload, text: str) -> Claims:
    return Claims(
        subject=payload.sub,
        expires_at=payload.exp,
        token_id=payload.jti or "sha256:" + hashlib.sha256(text.encode()).hexdigest(),
        scope=parse_scope(payload.scope),
        roles=payload.roles or (),
        email=payload.email or None,
        parent=payload.parent or None,
        restricted=payload.restricted,
        lineage=payload.lineage,
    )
