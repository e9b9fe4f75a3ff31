"""Templates: turning text that somebody wrote into a page, without trusting whoever wrote it."""

from collections.abc import Mapping
from typing import Any, Protocol


class Templates(Protocol):
    """Renders templates under limits of time, memory and size."""

    async def render(self, name: str, source: str, variables: Mapping[str, Any]) -> str:
        """Return the page a template makes of variables.

        name: decides by its extension whether values are escaped. variables: plain JSON.
        Raises Invalid for a template that cannot be rendered or asks for more than the limits allow, Unavailable when
        too many are waiting, Unsupported where templates cannot be confined.
        """
        ...

    async def close(self) -> None:
        """Let go of what rendering holds."""
        ...
