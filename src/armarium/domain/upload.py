"""Uploads that take more than one request."""

import msgspec

MAX_PARTS = 10_000


class OpenUpload(msgspec.Struct, frozen=True, kw_only=True):
    """An upload in parts that is under way. slot: the staged path it fills. expires_at: seconds since the epoch."""

    id: str
    slot: str
    part_count: int
    expires_at: float
