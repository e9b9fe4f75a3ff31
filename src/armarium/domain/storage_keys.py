"""Where bytes live, in any store:

    blobs/<aa>/<id>            immutable bytes of a finished upload; <aa> are the last two
                               hex digits of the id, which spread evenly (the first are time)
    parts/<upload>/<n:05d>     part n of a multipart upload under way
    incoming/<name>            bytes still arriving; never read, swept when old

Nobody else concatenates a key.
"""

import re

from armarium.domain.errors import Invalid
from armarium.domain.file import BlobId

BLOBS = "blobs"
PARTS = "parts"
INCOMING = "incoming"

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BLOB_KEY = re.compile(rf"{BLOBS}/[0-9a-f]{{2}}/({_UUID.pattern})")


def blob_key(blob_id: BlobId) -> str:
    """`blobs/<aa>/<id>`; refuses an id that is not a lower-case UUID."""
    if not _UUID.fullmatch(blob_id):
        raise Invalid("blob", "A blob id is a lower-case UUID.")
    return f"{BLOBS}/{blob_id[-2:]}/{blob_id}"


def part_key(upload_id: str, number: int) -> str:
    """`parts/<upload>/<n>`, padded so that keys sort in part order."""
    if not _UUID.fullmatch(upload_id):
        raise Invalid("upload", "An upload id is a lower-case UUID.")
    return f"{PARTS}/{upload_id}/{number:05d}"


def blob_of(key: str) -> BlobId | None:
    """The blob a key belongs to, or None for any other key."""
    match = _BLOB_KEY.fullmatch(key)
    if match is None or blob_key(BlobId(match[1])) != key:
        return None
    return BlobId(match[1])
