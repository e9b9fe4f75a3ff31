"""What clients send in one piece with a fixed shape. Arguments of functions are read one by one, see `arguments.py`."""

import msgspec


class Hello(msgspec.Struct):
    """What a client says first."""

    client_id: str = ""
    workspace: str | None = None
    token: str | None = None
    reconnection_token: str | None = None


class TokenConfig(msgspec.Struct, frozen=True):
    """`generate_token` options; keys nobody knows are ignored, as clients expect."""

    expires_in: float | None = 3600.0
    workspace: str | None = None
    permission: str | None = "read_write"
    client_id: str | None = None
    extra_scopes: list[str] | None = None
    email: str | None = None


class WorkspaceConfig(msgspec.Struct, frozen=True):
    """`create_workspace` options."""

    id: str | None = None
    name: str | None = None
    description: str | None = None
    persistent: bool | None = True
    owners: list[str] | None = None


class UploadedPart(msgspec.Struct, frozen=True):
    """A part as its upload answered it."""

    part_number: int
    etag: str


class Completion(msgspec.Struct, frozen=True):
    """The body that ends an upload in parts."""

    upload_id: str
    parts: list[UploadedPart]
