"""The composition root of `armarium worker`: the same wiring as the server's, and no faces."""

import asyncio
import signal
from contextlib import suppress

from armarium.assembly import assemble, base_url_of, running
from armarium.background import INDEX_LOOK, Background
from armarium.logs import configure_logs
from armarium.settings import Settings


def work(settings: Settings, slots: int) -> None:
    """Do jobs until SIGINT or SIGTERM; those under way are given back. slots: jobs at a time."""
    configure_logs(settings.log_level, settings.log_format)
    with suppress(KeyboardInterrupt):
        asyncio.run(_work(settings, slots))


async def _work(settings: Settings, slots: int) -> None:
    parts = assemble(settings, base_url_of(settings, settings.port))
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked_to_stop.set)
    async with running(parts), Background() as background:
        background.beside(parts.runner.run(slots))
        background.every(INDEX_LOOK, parts.index_feed.run)
        print(f"armarium is doing jobs of {settings.data.resolve()}", flush=True)
        await asked_to_stop.wait()
