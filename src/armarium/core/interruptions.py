"""Doing a use case again when the database took its transaction back for the sake of another."""

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from armarium.ports.catalog import Interrupted

ATTEMPTS = 6
_FIRST_PAUSE_SECONDS = 0.005

P = ParamSpec("P")
R = TypeVar("R")


def again_if_interrupted(use_case: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Decorate work whose only effect is one transaction: an interruption has undone all of it."""

    @functools.wraps(use_case)
    async def persist(*args: P.args, **kwargs: P.kwargs) -> R:
        pause = _FIRST_PAUSE_SECONDS
        for _ in range(ATTEMPTS - 1):
            try:
                return await use_case(*args, **kwargs)
            except Interrupted:
                # At random, so that two who stood in each other's way do not meet again.
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
                pause *= 2
        return await use_case(*args, **kwargs)

    return persist
