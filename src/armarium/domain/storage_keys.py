"""Where bytes live, in any store:

    stores/<store>/<key>       a blob in another store than the server's; <key> is its key there, as below
    blobs/<aa>/<id>            immutable bytes of a finished upload; <aa> are the last two
                               hex digits of the id, which spread evenly (the first are time)
    parts/<upload>/<n:05d>     part n of a multipart upload under way
    incoming/<id>              bytes still arriving; never read, swept when old

The id of a blob in another store is `<store>.<id>`. Nobody else concatenates a key.
"""

import re

from armarium.domain.errors import Invalid
from armarium.domain.file import BlobId

STORES = "stores"
BLOBS = "blobs"
PARTS = "parts"
INCOMING = "incoming"

MAX_PART_NUMBER = 99_999

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BLOB_KEY = re.compile(rf"{BLOBS}/([0-9a-f]{{2}})/({_UUID.pattern})(?<=\1)")
_STORE_KEY = re.compile(rf"{STORES}/({_UUID.pattern})/({BLOBS}/.*)")
_PART_KEY = re.compile(rf"{PARTS}/({_UUID.pattern})/([0-9]{{5}})")
_INCOMING_KEY = re.compile(rf"{INCOMING}/{_UUID.pattern}")
_PREFIX = re.compile(rf"{BLOBS}/(?:[0-9a-f]{{2}}/)?|{PARTS}/(?:{_UUID.pattern}/)?|{INCOMING}/")


def blob_key(blob_id: BlobId) -> str:
    """`blobs/<aa>/<id>`, in another store below `stores/<store>/`; refuses an id that is not made of UUIDs."""
    store, dot, own_id = blob_id.rpartition(".")
    if dot and _UUID.fullmatch(store):
        return f"{STORES}/{store}/{blob_key(BlobId(own_id))}"
    if not _UUID.fullmatch(blob_id):
        raise Invalid("blob", "A blob id is a lower-case UUID.")
    return f"{BLOBS}/{blob_id[-2:]}/{blob_id}"


def parts_prefix(upload_id: str) -> str:
    """`parts/<upload>/`, the start of every part key of an upload."""
    if not _UUID.fullmatch(upload_id):
        raise Invalid("upload", "An upload id is a lower-case UUID.")
    return f"{PARTS}/{upload_id}/"


def part_key(upload_id: str, number: int) -> str:
    """`parts/<upload>/<n>`, padded so that keys sort in part order; parts count from 1."""
    if not 1 <= number <= MAX_PART_NUMBER:
        raise Invalid("part_number", f"A part number is between 1 and {MAX_PART_NUMBER}.")
    return f"{parts_prefix(upload_id)}{number:05d}"


def incoming_key(name: str) -> str:
    """`incoming/<id>`; refuses a name that is not a lower-case UUID."""
    if not _UUID.fullmatch(name):
        raise Invalid("name", "Arriving bytes are named by a lower-case UUID.")
    return f"{INCOMING}/{name}"


def blob_of(key: str) -> BlobId | None:
    """The blob a key belongs to, or None for any other key."""
    store, own_key = place_of(key)
    match = _BLOB_KEY.fullmatch(own_key)
    if match is None:
        return None
    return BlobId(match[2]) if store is None else blob_in(store, BlobId(match[2]))


def blob_in(store: str, blob_id: BlobId) -> BlobId:
    """The id of a blob that is in another store."""
    return BlobId(f"{store}.{blob_id}")


def is_elsewhere(blob_id: BlobId) -> bool:
    """Tell whether a blob is in another store than the server's."""
    return "." in blob_id


def place_of(key: str) -> tuple[str | None, str]:
    """The store a key leads to, None for the server's own, and the key there."""
    match = _STORE_KEY.fullmatch(key) if key.startswith(STORES) else None
    return (None, key) if match is None else (match[1], match[2])


def part_of(key: str) -> tuple[str, int] | None:
    """The upload and number a part key belongs to, or None for any other key."""
    match = _PART_KEY.fullmatch(key)
    if match is None or int(match[2]) == 0:
        return None
    return match[1], int(match[2])


def is_key(key: str) -> bool:
    """Tell whether a string has one of the three shapes."""
    return blob_of(key) is not None or part_of(key) is not None or _INCOMING_KEY.fullmatch(key) is not None


def is_prefix(prefix: str) -> bool:
    """Tell whether a string is a folder of keys, such as `blobs/`, `blobs/4f/` or `parts/<upload>/`."""
    return _PREFIX.fullmatch(prefix) is not None
