"""What the dataforce clients raise.

DataForceAPIError                    no API key; the default orbit is not deleted
  ConfigurationError                 no default organization, orbit or collection
  MultipleResourcesFoundError        a name that several things have
  APIError                           (`message`, `request`, `body`)
    APIConnectionError               no answer
    APIResponseValidationError       an answer that is not what was asked for
    APIStatusError                   (`response`, `status_code`)
      BadRequestError 400   AuthenticationError 401   PermissionDeniedError 403   NotFoundError 404
      ConflictError 409     UnprocessableEntityError 422   InternalServerError 5xx
        ArtifactNotFoundError        a NotFoundError that is a ValueError too, from `download`
ResourceNotFoundError                a default that does not exist (`resource_type`, `value`)
  OrganizationResourceNotFoundError   OrbitResourceNotFoundError   CollectionResourceNotFoundError
FileError                            a file that cannot be used
  FileUploadError   FileDownloadError
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from armarium.sdk.transport import Failure

_NAMED_AT_MOST = 10


def _some(available: Sequence[str]) -> str:
    more = f" and {len(available) - _NAMED_AT_MOST} more" if len(available) > _NAMED_AT_MOST else ""
    return ", ".join(available[:_NAMED_AT_MOST]) + more


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked; url without its query."""

    method: str
    url: str


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """How it was answered; headers with names in lower case."""

    status_code: int
    headers: Mapping[str, str]


class DataForceAPIError(Exception):
    """Base of what goes wrong between a client and its server."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class ConfigurationError(DataForceAPIError):
    """A default is missing; the message says how to give it and what there is.

    kind: organization, orbit or collection. available: what could be chosen, as text.
    """

    def __init__(self, kind: str, message: str | None = None, available: Sequence[str] = ()) -> None:
        text = message or f"Default {kind} is not set."
        text += f'\nName it when you make the client, DataForceClient({kind}="..."), or later: client.{kind} = "..."'
        if available:
            text += f"\nThere are: {_some(available)}."
        super().__init__(text)
        self.kind = kind


class MultipleResourcesFoundError(DataForceAPIError):
    """A name that several things have; an id is unambiguous."""


class APIError(DataForceAPIError):
    """A request that did not succeed. body: the decoded JSON of the answer, its text, or None."""

    def __init__(self, message: str, request: Request, *, body: Any = None) -> None:
        super().__init__(message)
        self.request = request
        self.body = body


class APIConnectionError(APIError):
    """The server was not reached, or hung up."""


class APIResponseValidationError(APIError):
    """The answer lacks something the client needs."""


class APIStatusError(APIError):
    """The server refused."""

    def __init__(self, message: str, request: Request, *, response: Response, body: Any = None) -> None:
        super().__init__(message, request, body=body)
        self.response = response
        self.status_code = response.status_code


class BadRequestError(APIStatusError):
    """400."""


class AuthenticationError(APIStatusError):
    """401: the API key is missing or unknown."""


class PermissionDeniedError(APIStatusError):
    """403."""


class NotFoundError(APIStatusError):
    """404."""


class ArtifactNotFoundError(NotFoundError, ValueError):
    """404 of an artifact that was to be downloaded."""


class ConflictError(APIStatusError):
    """409."""


class UnprocessableEntityError(APIStatusError):
    """422: a value the server cannot use."""


class InternalServerError(APIStatusError):
    """500 and above."""


class ResourceNotFoundError(Exception):
    """A default was named that does not exist. available: what does, as text."""

    kind = "Resource"

    def __init__(self, value: str, available: Sequence[str] = ()) -> None:
        there = f" There are: {_some(available)}." if available else " There is none."
        self.message = f"{self.kind} '{value}' was not found.{there}"
        super().__init__(self.message)
        self.value = value


class OrganizationResourceNotFoundError(ResourceNotFoundError):
    """The default organization does not exist."""

    kind = "Organization"


class OrbitResourceNotFoundError(ResourceNotFoundError):
    """The default orbit does not exist."""

    kind = "Orbit"


class CollectionResourceNotFoundError(ResourceNotFoundError):
    """The default collection does not exist."""

    kind = "Collection"


class FileError(Exception):
    """A file that cannot be used: its format, its size, or what is inside."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class FileUploadError(FileError):
    """The bytes of a file did not reach the store."""

    def __init__(self, message: str = "") -> None:
        super().__init__(f"Error uploading file to bucket. {message}".rstrip())


class FileDownloadError(FileError):
    """The bytes of a file did not come back whole."""

    def __init__(self, message: str = "") -> None:
        super().__init__(f"Error downloading file from bucket. {message}".rstrip())


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
}


def api_error(failure: Failure) -> APIError:
    """The exception for a request the API did not answer with success."""
    request = Request(method=failure.method, url=failure.url)
    if failure.status is None:
        return APIConnectionError(failure.reason, request)
    fallback = InternalServerError if failure.status >= 500 else APIStatusError
    message = f"Error response {failure.status} while requesting {failure.method} {failure.url}"
    if detail := _detail(failure.body):
        message += f": {detail}"
    response = Response(status_code=failure.status, headers=failure.headers)
    return _BY_STATUS.get(failure.status, fallback)(message, request, response=response, body=failure.body)


def _detail(body: Any) -> str:
    """The sentence of an error body; of the list of a 422 its messages."""
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, list):
        return "; ".join(_one(entry) for entry in detail)
    return detail if isinstance(detail, str) else ""


def _one(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    place = ".".join(str(step) for step in entry.get("loc", []))
    return f"{place}: {entry.get('msg', '')}" if place else str(entry.get("msg", ""))
