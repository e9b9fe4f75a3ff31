"""How much of an upload the server may read before the application asks for it."""

from uvicorn.protocols.http import h11_impl, httptools_impl


def read_ahead(size_bytes: int) -> None:
    """Let uvicorn hold this much of a request body; set once, before serving.

    uvicorn stops reading a socket at 64 KiB, less than one read of uvloop, and so starts and stops
    for every read. Half a MiB or a little more makes the receiving of large bodies one and a half times as
    fast (each wait copies all that has gathered, so more is slower again); the price is that much memory for
    each upload under way.
    """
    for protocol in (httptools_impl, h11_impl):
        protocol.HIGH_WATER_LIMIT = size_bytes  # type: ignore[attr-defined, unused-ignore]
