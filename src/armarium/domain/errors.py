"""The one error tree.

    ArmariumError
      NotFound            artifact, version, file, secret ... (`kind`, `id`)
      AlreadyExists       alias, version label, upload (`kind`, `id`)
      Conflict            changed by someone else meanwhile
        NotUnique         several where there should be one
      NotStaged           nothing to commit, discard or put files into
      Invalid             manifest, path, query, argument (`field`, `reason`)
        SchemaViolation   a manifest its collection's schema refuses
      NotAuthenticated    who are you?
      Forbidden           not you (`action`)
      TooLarge            one file, one body or a quota
      Unsupported         this store, index or protocol cannot
      Refused             another service armarium asked said no
      Unavailable         a store or index is down or busy (`retry_after_seconds`)

Nothing below `faces/` knows a status code: each face owns a table from these
classes to its protocol's words. A message is written for the person who gets it:
it never holds a path of the server, a key, a token or a secret.
"""


class ArmariumError(Exception):
    """Anything a caller can be told about."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(ArmariumError):
    """What was asked for is not there, or not for this caller to know of.

    kind: a noun of the glossary, such as `artifact`, `version` or `file`.
    """

    def __init__(self, kind: str, id: str, message: str | None = None) -> None:
        super().__init__(message or f"{kind.capitalize()} '{id}' does not exist.")
        self.kind = kind
        self.id = id


class AlreadyExists(ArmariumError):
    """A name is taken."""

    def __init__(self, kind: str, id: str, message: str | None = None) -> None:
        super().__init__(message or f"{kind.capitalize()} '{id}' already exists.")
        self.kind = kind
        self.id = id


class Conflict(ArmariumError):
    """Someone else changed the same thing meanwhile, or it is in use."""


class NotUnique(Conflict):
    """There are several where the change needs there to be one."""


class NotStaged(ArmariumError):
    """The artifact has no staged changes to work on."""


class Invalid(ArmariumError):
    """A value the caller gave cannot be used; nothing was changed.

    field: the argument or field at fault, in the words of the domain.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


class SchemaViolation(Invalid):
    """A manifest does not follow the schema of its collection."""

    def __init__(self, reason: str) -> None:
        super().__init__("manifest", reason)


class NotAuthenticated(ArmariumError):
    """The credential is missing, unknown, expired or revoked."""


class Forbidden(ArmariumError):
    """The caller is known, and may not do this.

    action: the operation that was refused, as named in the permission table.
    """

    def __init__(self, action: str, message: str | None = None) -> None:
        super().__init__(message or f"User does not have permission '{action}' on the artifact.")
        self.action = action


class TooLarge(ArmariumError):
    """More bytes than the limit allows."""


class Unsupported(ArmariumError):
    """The request makes sense, but this store, index or protocol cannot do it."""


class Refused(ArmariumError):
    """Another service, such as a public archive, refused what was asked of it; its reasons are in the message."""


class Unavailable(ArmariumError):
    """A part the answer needs is down or busy; trying again later may work."""

    def __init__(self, message: str, *, retry_after_seconds: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
