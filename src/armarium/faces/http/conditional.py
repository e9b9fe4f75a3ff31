"""Conditional requests, RFC 9110 section 13: is what the client has still what we have?"""

import email.utils
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import msgspec

HEADERS = frozenset({b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range"})
"""The request headers this module reads, in lower case."""

_TAG = re.compile(rb'(W/)?("[^"]*")')


class Validators(msgspec.Struct, frozen=True, kw_only=True):
    """What tells two states of a file apart.

    etag: strong, opaque and without quotes: the SHA-256 or the id of the blob.
    modified_at: seconds since the epoch, UTC; HTTP sees whole seconds.
    """

    etag: str
    modified_at: float

    @property
    def entity_tag(self) -> bytes:
        return b'"%b"' % self.etag.encode("ascii")


def refusal(conditions: Mapping[bytes, bytes], have: Validators) -> Literal[304, 412] | None:
    """Return the status that answers a GET or HEAD instead of the file, or None to go on.

    conditions: request headers by lower-case name. The order is that of section 13.2.2.
    """
    if _changed(conditions, have):
        return 412
    return 304 if _same(conditions, have) else None


def _changed(conditions: Mapping[bytes, bytes], have: Validators) -> bool:
    wanted = conditions.get(b"if-match")
    if wanted is not None:
        return not _matches(wanted, have.entity_tag, weakly=False)
    since = http_time(conditions.get(b"if-unmodified-since"))
    return since is not None and int(have.modified_at) > since


def _same(conditions: Mapping[bytes, bytes], have: Validators) -> bool:
    known = conditions.get(b"if-none-match")
    if known is not None:
        return _matches(known, have.entity_tag, weakly=True)
    since = http_time(conditions.get(b"if-modified-since"))
    return since is not None and int(have.modified_at) <= since


def range_holds(conditions: Mapping[bytes, bytes], have: Validators) -> bool:
    """Tell whether a `Range` may be honoured: no `If-Range`, or one that names exactly what we have."""
    known = conditions.get(b"if-range")
    if known is None:
        return True
    known = known.strip()
    return known in (have.entity_tag, http_date(have.modified_at))


def _matches(header: bytes, tag: bytes, *, weakly: bool) -> bool:
    if header.strip() == b"*":
        return True
    return any(found == tag and (weakly or not weak) for weak, found in _TAG.findall(header))


def http_date(seconds: float) -> bytes:
    """Print seconds since the epoch as `Sun, 06 Nov 1994 08:49:37 GMT`."""
    return _http_date(int(seconds))


@lru_cache(maxsize=4096)
def _http_date(seconds: int) -> bytes:
    return email.utils.formatdate(seconds, usegmt=True).encode()


@lru_cache(maxsize=4096)
def http_time(date: bytes | None) -> int | None:
    """Read an HTTP date as seconds since the epoch; None for what is no date, which is then ignored."""
    try:
        parsed = email.utils.parsedate_tz((date or b"").decode("latin-1"))
        return None if parsed is None else int(email.utils.mktime_tz(parsed))
    except (ValueError, OverflowError, IndexError):
        return None
