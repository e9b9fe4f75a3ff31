"""Where a request carries its credential.

In order: `token` in the query string (only where a route allows it), `Authorization` (Bearer, Basic with the token as
password, or the bare token), `X-API-Key`, the cookie `access_token`. The first one present counts.
"""

import base64
import binascii
from collections.abc import Iterable
from urllib.parse import parse_qs, unquote

from armarium.domain.errors import NotAuthenticated

COOKIE = "access_token"

Headers = Iterable[tuple[bytes, bytes]]
"""As ASGI gives them: names in lower case."""


def credential(headers: Headers, *, query: bytes | None = None, allow_cookie: bool = True) -> str | None:
    """Return the credential of a request, None where there is none.

    query: the raw query string, given only by routes that take `?token=`.
    allow_cookie: False for requests that change something: a browser sends cookies along for any page that asks.
    Raises NotAuthenticated for an `Authorization` header nobody can read.
    """
    if query and b"token=" in query:
        token = parse_qs(query.decode("latin-1")).get("token", [""])[-1].strip()
        if token:
            return token
    authorization = api_key = cookie = None
    for name, value in headers:
        if name == b"authorization":
            authorization = value
        elif name == b"x-api-key":
            api_key = value
        elif name == b"cookie":
            cookie = value
    return _authorization(authorization) or _text(api_key) or (_cookie(cookie) if allow_cookie else None)


def _text(value: bytes | None) -> str | None:
    return value.decode("latin-1").strip() or None if value else None


def _authorization(value: bytes | None) -> str | None:
    text = _text(value)
    if text is None:
        return None
    scheme, _, rest = text.partition(" ")
    rest = rest.strip()
    match scheme.lower():
        case "bearer":
            return rest or None
        case "basic":
            return _password(rest)
        case _ if not rest:
            return scheme
    raise NotAuthenticated("The Authorization header must be 'Bearer <token>' or Basic with the token as password.")


def _password(encoded: str) -> str | None:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise NotAuthenticated("The Basic credentials cannot be read.") from None
    return text.partition(":")[2].strip() or None


def _cookie(value: bytes | None) -> str | None:
    for part in (_text(value) or "").split(";"):
        name, _, content = part.strip().partition("=")
        if name == COOKIE:
            return unquote(content.strip('"')).strip() or None
    return None
