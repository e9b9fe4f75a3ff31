"""A bucket of an S3 store: where it is, what of it is ours, and who may use it."""

from urllib.parse import urlsplit

import msgspec

from armarium.adapters.blobs.sigv4 import AccessKey

DEFAULT_REGION = "us-east-1"


class S3Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """prefix: below which all keys are, without slashes at its ends.

    endpoint: base URL of the store, None for Amazon's. public_endpoint: under which clients reach it, None where they
    do not.
    """

    name: str
    access_key: AccessKey
    prefix: str = ""
    region: str = DEFAULT_REGION
    endpoint: str | None = None
    public_endpoint: str | None = None

    @property
    def url(self) -> str:
        """Where the server finds the bucket."""
        return self._below(self.endpoint_url)

    @property
    def endpoint_url(self) -> str:
        return self.endpoint or f"https://s3.{self.region}.amazonaws.com"

    @property
    def public_url(self) -> str | None:
        """Where clients find the bucket, if they may."""
        return self._below(self.public_endpoint) if self.public_endpoint else None

    @property
    def is_plain_http(self) -> bool:
        return urlsplit(self.endpoint_url).scheme == "http"

    def full_key(self, key: str) -> str:
        """A key as the bucket knows it."""
        return f"{self.prefix}/{key}" if self.prefix else key

    def own_key(self, full_key: str) -> str | None:
        """A key as we know it; None for what is not below the prefix."""
        head = f"{self.prefix}/" if self.prefix else ""
        return full_key.removeprefix(head) if full_key.startswith(head) else None

    def _below(self, endpoint: str) -> str:
        return f"{endpoint.rstrip('/')}/{self.name}"
