"""HTML pages of ours among answers for programs: who gets one, and how it is sent."""

from starlette.responses import Response
from starlette.types import Scope


class Page(Response):
    """An HTML page of ours. policy: its Content-Security-Policy."""

    def __init__(self, body: str, policy: str, status: int = 200) -> None:
        super().__init__(body, status_code=status, media_type="text/html")
        self.headers.update(
            {
                "content-security-policy": policy,
                "referrer-policy": "no-referrer",
                "x-content-type-options": "nosniff",
                "cache-control": "private, no-cache",
                "vary": "Accept",
            }
        )


def wants_page(scope: Scope) -> bool:
    """Whether a browser asks, which names HTML where programs take anything."""
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
