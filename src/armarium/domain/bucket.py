"""Buckets: stores elsewhere whose keys a workspace has handed over."""

from typing import Any

import msgspec


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """A bucket of a workspace. settings: what may be shown of it; sealed: its keys. Times: seconds since the epoch."""

    id: str
    workspace: str
    endpoint: str
    name: str
    settings: dict[str, Any]
    sealed: bytes
    created_at: float
    updated_at: float | None = None
