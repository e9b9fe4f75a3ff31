"""The store a URL names: a folder, a bucket of S3, or any other that obstore knows by its URL."""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from armarium.adapters.blobs.local import LocalBlobs
from armarium.adapters.blobs.s3_bucket import DEFAULT_REGION, S3Bucket
from armarium.adapters.blobs.sigv4 import AccessKey
from armarium.domain.errors import Invalid
from armarium.ports.blobs import Blobs

_BY_OBSTORE = {"gs", "az", "abfs", "abfss"}


class S3Access(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach S3. endpoint: None for Amazon's. is_direct: whether clients may be sent to the store itself."""

    endpoint: str | None = None
    public_endpoint: str | None = None
    region: str | None = None
    access_key: AccessKey | None = None
    is_direct: bool = True


def blobs_at(url: str | None, *, folder: Path, s3: S3Access) -> Blobs:
    """Open the store; nothing is asked of it yet. folder: where files are when there is no URL.

    Raises Invalid for a URL nobody knows, a missing access key, or a missing extra.
    """
    if url is None:
        return LocalBlobs(folder)
    scheme = urlsplit(url).scheme
    if scheme == "s3":
        return s3_blobs(_bucket(url, s3))
    if scheme not in _BY_OBSTORE:
        raise Invalid("blobs", f"The setting 'blobs' is no URL of a store: use s3://bucket/prefix, not '{scheme}'.")
    _require_extra()
    from obstore.store import from_url  # noqa: PLC0415 - part of an extra

    from armarium.adapters.blobs.object_store import ObjectBlobs  # noqa: PLC0415

    return ObjectBlobs(from_url(url))


def bucket_named(url: str | None) -> str | None:
    """The bucket in the URL of an S3 store."""
    return urlsplit(url).netloc or None if url and url.startswith("s3://") else None


def s3_blobs(bucket: S3Bucket) -> Blobs:
    """A bucket; clients are sent to it where it has a public endpoint. Raises Invalid when the extra is missing."""
    _require_extra()
    from armarium.adapters.blobs.s3 import PublicS3Blobs, S3Blobs  # noqa: PLC0415

    return PublicS3Blobs(bucket) if bucket.public_endpoint else S3Blobs(bucket)


def _bucket(url: str, s3: S3Access) -> S3Bucket:
    split = urlsplit(url)
    if not split.netloc:
        raise Invalid("blobs", "The setting 'blobs' names no bucket: use s3://bucket/prefix.")
    if s3.access_key is None:
        raise Invalid("s3_access_key_id", "A store in S3 needs an access key: set s3_access_key_id and its secret.")
    bucket = S3Bucket(
        name=split.netloc,
        prefix=split.path.strip("/"),
        region=s3.region or DEFAULT_REGION,
        endpoint=s3.endpoint,
        access_key=s3.access_key,
    )
    # Amazon's own endpoint is as good for clients as for us.
    public = s3.public_endpoint or (bucket.endpoint_url if s3.endpoint is None else None)
    return msgspec.structs.replace(bucket, public_endpoint=public if s3.is_direct else None)


def _require_extra() -> None:
    try:
        import obstore  # noqa: F401, PLC0415 - part of an extra
    except ImportError:
        raise Invalid("blobs", 'An object store needs the extra `s3`: pip install "armarium[server,s3]".') from None
