"""What the IVCAP client raises.

ArmariumError
  IvcapError
    IvcapApiError             the service said no (`operation`, `status_code`, `content`, `headers`, `url`)
      NotAuthorizedException  it does not know you, or may not let you
      UploadFailed            bytes did not arrive; what did is kept (`artifact_id`, `offset`)
  ResourceNotFound            no such collection (`resource`)
  AmbiguousRequest            more than one thing fits
  MissingParameterValue       an argument without which the call has no meaning (`name`)
"""

from collections.abc import Mapping

from armarium.domain.errors import ArmariumError

_WORTH_ANOTHER_TRY = frozenset({0, 408, 409, 423, 425, 429})


class IvcapError(ArmariumError):
    """Anything the service, or the way to it, refused."""


class IvcapApiError(IvcapError):
    """The service answered a call with an error.

    status_code: of HTTP; 0 when no answer came.
    content: the body as it came. reason: what the service said, or what went wrong on the way.
    """

    def __init__(
        self,
        operation: str,
        status_code: int,
        content: bytes = b"",
        *,
        message: str = "",
        headers: Mapping[str, str] | None = None,
        url: str | None = None,
    ) -> None:
        self.reason = message or content[:1000].decode(errors="replace") or "no further words"
        super().__init__(f"'{operation}' failed with status {status_code}: {self.reason}")
        self.operation = operation
        self.status_code = status_code
        self.content = content
        self.headers = dict(headers or {})
        self.url = url

    @property
    def may_succeed_later(self) -> bool:
        """Whether the same request may be answered otherwise some time later."""
        return self.status_code in _WORTH_ANOTHER_TRY or self.status_code >= 500


class NotAuthorizedException(IvcapApiError):  # noqa: N818 - the name callers of this protocol catch
    """The token is missing, unknown or expired (401), or does not allow this (403)."""


class UploadFailed(IvcapApiError):  # noqa: N818 - reads as a sentence, as the domain's errors do
    """An upload ended before its last byte; uploading the same file again goes on from `offset`."""

    def __init__(self, cause: IvcapApiError, artifact_id: str, offset: int) -> None:
        super().__init__(
            cause.operation,
            cause.status_code,
            cause.content,
            message=f"{cause.reason} ({offset} bytes of {artifact_id} are stored)",
            headers=cause.headers,
            url=cause.url,
        )
        self.artifact_id = artifact_id
        self.offset = offset


class ResourceNotFound(ArmariumError):  # noqa: N818
    """Nothing of that name is there at the time asked about."""

    def __init__(self, resource: str) -> None:
        super().__init__(f"'{resource}' was not found.")
        self.resource = resource


class AmbiguousRequest(ArmariumError):  # noqa: N818
    """More than one thing answers the description, and the call needs exactly one."""


class MissingParameterValue(ArmariumError):  # noqa: N818
    """A call lacks a value it cannot do without."""

    def __init__(self, name: str) -> None:
        super().__init__(f"A value for '{name}' is missing.")
        self.name = name
