"""A store of an artifact's own: a bucket whose keys are among its secrets, or its parent's."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from armarium.domain.errors import Invalid

KEYS = (
    "S3_ENDPOINT_URL",
    "S3_ACCESS_KEY_ID",
    "S3_SECRET_ACCESS_KEY",
    "S3_REGION_NAME",
    "S3_BUCKET",
    "S3_PREFIX",
)
"""The secrets that say where an artifact's files go. Source: the documentation of the hypha artifact manager."""


class OwnStore(msgspec.Struct, frozen=True, kw_only=True):
    """Where the bucket is, what of it is used, and with which key."""

    endpoint: str
    access_key_id: str
    secret_access_key: str
    region: str
    bucket: str
    prefix: str = ""

    def __repr__(self) -> str:
        return "OwnStore(...)"


class SealedStore(msgspec.Struct, frozen=True, kw_only=True):
    """An own store as it is recorded. artifact_id: whose files were the first to go there."""

    id: str
    artifact_id: str
    sealed: bytes
    created_at: float


def own_store(secrets: Mapping[str, str], *, bucket: str | None) -> OwnStore | None:
    """The store that secrets speak of; None without an access key and its secret.

    bucket: which one is meant where the secrets name none. Raises Invalid when something is missing.
    """
    given = {key: secrets.get(key, "").strip() for key in KEYS}
    if not given["S3_ACCESS_KEY_ID"] or not given["S3_SECRET_ACCESS_KEY"]:
        return None
    given["S3_BUCKET"] = given["S3_BUCKET"] or (bucket or "")
    missing = [key for key in ("S3_ENDPOINT_URL", "S3_REGION_NAME", "S3_BUCKET") if not given[key]]
    if missing:
        raise Invalid("secrets", f"S3 credentials are not configured: set the secret {missing[0]}.")
    split = urlsplit(given["S3_ENDPOINT_URL"])
    if split.scheme not in ("http", "https") or not split.hostname or split.query or split.fragment or split.username:
        raise Invalid("secrets", "S3 credentials are not configured: S3_ENDPOINT_URL is no http or https URL.")
    return OwnStore(
        endpoint=given["S3_ENDPOINT_URL"].rstrip("/"),
        access_key_id=given["S3_ACCESS_KEY_ID"],
        secret_access_key=given["S3_SECRET_ACCESS_KEY"],
        region=given["S3_REGION_NAME"],
        bucket=given["S3_BUCKET"],
        prefix=given["S3_PREFIX"].strip("/"),
    )
