"""Response headers that the author of a site may set: a list of harmless ones, so that no other gets through."""

import re
from collections.abc import Mapping

MOST = 32
_LONGEST = 4096

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_VALUE = re.compile(r"[\x20-\x7e\t]*")

_ALLOWED = frozenset(
    {
        "cache-control", "content-language", "content-security-policy", "content-security-policy-report-only",
        "cross-origin-embedder-policy", "cross-origin-opener-policy", "cross-origin-resource-policy", "expires", "link",
        "permissions-policy", "pragma", "timing-allow-origin",
    }
)  # fmt: skip
"""Policies add up: a second Content-Security-Policy can only forbid more than ours."""

_RESERVED = re.compile(
    "x-(?:accel-.*|content-type-options|forwarded-.*|http-method.*|lighttpd-.*|original-.*|permitted-.*|real-ip"
    "|reproxy-.*|request-id|rewrite-.*|sendfile.*|xss-protection)"
)
"""Words with a meaning to servers in front of us, or to all pages of a host."""


def custom_headers(wanted: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return those of an author's headers that may be sent; others are left out, and so is what is malformed.

    `Access-Control-Allow-Origin` may say `*`, which is what every answer says anyway.
    """
    allowed = [(name.lower(), value.strip()) for name, value in wanted.items() if _may_be_sent(name, value)]
    return [(name.encode(), value.encode()) for name, value in allowed[:MOST]]


def _may_be_sent(name: str, value: str) -> bool:
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or len(value) > _LONGEST:
        return False
    lower = name.lower()
    if lower == "access-control-allow-origin":
        return value.strip() == "*"
    return lower in _ALLOWED or (lower.startswith("x-") and not _RESERVED.fullmatch(lower))
