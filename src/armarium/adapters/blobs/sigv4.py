"""Signed URLs of S3: Signature Version 4 in the query, for any method and any query.

Source: the published description of the algorithm ("Authenticating Requests: Using Query Parameters"). The payload
is never part of the signature, so that a URL can be handed out before anybody has the bytes.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, urlsplit

import msgspec

LONGEST = timedelta(days=7)
"""No signature is good for longer."""


class AccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs. Never printed."""

    id: str
    secret: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return "AccessKey(...)"


class UrlSigner:
    """Signs URLs below one bucket.

    bucket_url: scheme, host and, in path style, the bucket; without a slash at its end.
    """

    def __init__(self, bucket_url: str, access_key: AccessKey, region: str) -> None:
        split = urlsplit(bucket_url)
        self._origin = f"{split.scheme}://{split.netloc}"
        self._host = split.netloc
        self._path = split.path
        self._access_key = access_key
        self._region = region

    def sign(
        self,
        method: str,
        key: str,
        *,
        now: datetime,
        expires_in: timedelta,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Return the URL. key: empty for the bucket itself. headers: what the request must bring; lower-case names."""
        moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{moment[:8]}/{self._region}/s3/aws4_request"
        signed = {"host": self._host, **(headers or {})}
        names = ";".join(sorted(signed))
        parameters = {
            **(query or {}),
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self._access_key.id}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(int(min(expires_in, LONGEST).total_seconds())),
            "X-Amz-SignedHeaders": names,
        }
        if self._access_key.session_token:
            parameters["X-Amz-Security-Token"] = self._access_key.session_token
        path = f"{self._path}/{quote(key, safe='/-_.~')}"
        ordered = sorted((_quoted(name), _quoted(value)) for name, value in parameters.items())
        asked = "&".join(f"{name}={value}" for name, value in ordered)
        brought = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
        request = f"{method}\n{path}\n{asked}\n{brought}\n{names}\nUNSIGNED-PAYLOAD"
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.new(self._key_of(moment[:8]), text.encode(), "sha256").hexdigest()
        return f"{self._origin}{path}?{asked}&X-Amz-Signature={signature}"

    def _key_of(self, day: str) -> bytes:
        return _signing_key(self._access_key.secret, day, self._region)


@lru_cache(maxsize=64)
def _signing_key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
