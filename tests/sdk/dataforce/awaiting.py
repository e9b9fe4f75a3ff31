"""One way to take what the sync client returns and the async one promises."""

import inspect
from typing import Any


async def done(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result
