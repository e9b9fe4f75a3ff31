"""Which service a client talks to: what the caller says, then what the environment says, then a folder."""

from collections.abc import Mapping
from typing import NamedTuple

DEFAULT_FOLDER = "ivcap-artifacts"


class Folder(NamedTuple):
    """No service at all: artifacts live in a folder."""

    path: str


class Deployment(NamedTuple):
    """A service. token None: whoever routes to it vouches for the caller."""

    url: str
    token: str | None
    account_id: str | None


def where_to(
    url: str | None, token: str | None, account_id: str | None, environ: Mapping[str, str]
) -> Folder | Deployment:
    """Read `IVCAP_URL`, `IVCAP_BASE_URL`, `IVCAP_JWT`, `IVCAP_ACCOUNT_ID` and `IVCAP_LOCAL_DIR`; arguments win.

    Raises ValueError when half of the pair of URL and token is missing.
    Source: protocols/ivcap.md, section 1.
    """
    public_url = url or environ.get("IVCAP_URL")
    inside_url = environ.get("IVCAP_BASE_URL")
    known_token = token or environ.get("IVCAP_JWT")
    account_id = account_id or environ.get("IVCAP_ACCOUNT_ID")
    if public_url:
        if not known_token:
            raise ValueError("missing token: pass 'token' or set IVCAP_JWT")
        return Deployment(public_url.rstrip("/"), known_token, account_id)
    if inside_url:
        return Deployment(inside_url.rstrip("/"), known_token, account_id)
    if token:
        raise ValueError("missing url: pass 'url' or set IVCAP_URL")
    return Folder(environ.get("IVCAP_LOCAL_DIR") or DEFAULT_FOLDER)
