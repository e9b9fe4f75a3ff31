"""The frames of the Hypha wire: one msgpack map that routes, then an optional second one that carries the payload."""

from typing import Any

import msgspec

FRAME_BYTES = 16 * 1024 * 1024
"""The largest frame that is read."""
CHUNK_BYTES = 256 * 1024
"""How much of a big message travels in one frame; clients read no single value above twice this."""

_PAIR = b"\x92"
_SINGLE = b"\x91"


class Routing(msgspec.Struct, omit_defaults=True, rename={"sender": "from"}):
    """The first map of a frame: who speaks to whom about what.

    sender, to: `<workspace>/<client id>`. What a client writes in `sender`, `ws` and `user` is never believed.
    session: where the sender waits for the answer; absent when it does not wait.
    data: what an event carries, still encoded.
    """

    type: str = ""
    sender: str = ""
    to: str = ""
    method: str = ""
    session: str | None = None
    parent: str | None = None
    ws: str | None = None
    user: dict[str, Any] | None = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Payload(msgspec.Struct):
    """The second map of a frame: what a method is called with.

    promise: `"*"`, or a map with an `interval`; None when nobody waits.
    t: seconds between signs of life that the caller suggests.
    """

    args: list[Any] = []
    with_kwargs: bool = False
    promise: Any = None
    t: float | None = None
    encryption: Any = msgspec.field(name="_enc", default=None)

    @property
    def heartbeat_seconds(self) -> float:
        interval = self.promise.get("interval") if isinstance(self.promise, dict) else self.t
        if not isinstance(interval, int | float):
            return 10.0
        # The comparison is this way round because a NaN fails it.
        return min(interval, 30.0) if interval >= 0.1 else 0.1


class FrameError(ValueError):
    """Bytes that are no frame of this wire."""


class _Control(msgspec.Struct):
    type: str = ""


_pair = msgspec.msgpack.Decoder(tuple[Routing, msgspec.Raw])
_single = msgspec.msgpack.Decoder(tuple[Routing])
_payload = msgspec.msgpack.Decoder(Payload)
_control = msgspec.json.Decoder(_Control)
_encoder = msgspec.msgpack.Encoder()


def split(frame: bytes, limit: int = FRAME_BYTES) -> tuple[Routing, bytes | memoryview]:
    """Read the routing map of a frame and leave the payload encoded, empty if there is none.

    Raises FrameError.
    """
    if len(frame) > limit:
        raise FrameError("frame is too large")
    return split_message(frame)


def split_message(message: bytes) -> tuple[Routing, bytes | memoryview]:
    """Like `split`, for a message put together from chunks, which may be larger than a frame."""
    try:
        # The two maps follow each other bare; an array header of length two in front makes them one object.
        routing, rest = _pair.decode(_PAIR + message)
    except (msgspec.DecodeError, RecursionError):
        return _split_single(message), b""
    return routing, memoryview(rest)


def _split_single(message: bytes) -> Routing:
    try:
        return _single.decode(_SINGLE + message)[0]
    except (msgspec.DecodeError, RecursionError) as exc:
        raise FrameError("not a frame") from exc


def read_payload(payload: bytes | memoryview) -> Payload:
    """Decode the second map of a frame. Raises FrameError."""
    if not len(payload):
        return Payload()
    try:
        return _payload.decode(payload)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise FrameError("the payload cannot be read") from exc


def encode(routing: Routing, payload: dict[str, Any] | None = None) -> bytes:
    """Write a frame. Values must already be plain: see `values.to_wire`."""
    head = _encoder.encode(routing)
    return head if payload is None else head + _encoder.encode(payload)


def forward(routing: Routing, payload: bytes | memoryview) -> bytes:
    """Write a frame whose payload passes through as it came."""
    return b"".join((_encoder.encode(routing), payload))


def control_type(text: str) -> str:
    """Name a text frame by its `type`; empty for anything that is no short JSON map."""
    if len(text) > 1000:
        return ""
    try:
        return _control.decode(text).type
    except (msgspec.DecodeError, RecursionError):
        return ""
