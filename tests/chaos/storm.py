"""The storm itself: clients at work on a server whose processes are killed, one every second."""

import asyncio
import random
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import psutil

from armarium.assembly import open_core
from armarium.settings import load
from armarium.testing.server import RunningServer
from tests.chaos.clients import BOXES, COLLECTIONS, LOGS, Client
from tests.chaos.history import History
from tests.chaos.verdict import complaints

SETTINGS = {
    "ARMARIUM_BLOB_GRACE": "5s",
    "ARMARIUM_SWEEP_INTERVAL": "1s",
    "ARMARIUM_LOG_LEVEL": "warning",
    "ARMARIUM_DIRECT_TRANSFERS": "false",
}
"""The sweeper is at work as well, far more often than it ever should be; all bytes go through the processes."""


class Outcome:
    """What there was and what was wrong with it."""

    def __init__(self, history: History, wrong: list[str], kills: int, output: str) -> None:
        self.history = history
        self.wrong = wrong
        self.kills = kills
        self.output = output


def storm(data: Path, *, seconds: float, clients: int, workers: int, settings: Mapping[str, str]) -> Outcome:
    """Run one storm over a fresh store and judge what is left."""
    environment = {**SETTINGS, **RunningServer.storage(data), **settings}
    history = History()
    with RunningServer(data, options=["--workers", str(workers)], settings=environment) as server:
        kills = asyncio.run(_rage(server, history, seconds=seconds, clients=clients))
    wrong = asyncio.run(_judge(data, environment, history))
    return Outcome(history, wrong, kills, server.output)


async def _rage(server: RunningServer, history: History, *, seconds: float, clients: int) -> int:
    headers = {"Authorization": f"Bearer {server.admin_token}"}
    # Without connections that are kept, each request may reach any process, and none is sent twice unseen.
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        await _prepare(session, server.url)
        end = time.monotonic() + seconds
        killing = asyncio.create_task(_kill_until(server.pid, end - 1))
        await asyncio.gather(
            *(Client(number, session, [server.url], history).act_until(end) for number in range(clients))
        )
        return await killing


async def _prepare(session: aiohttp.ClientSession, url: str) -> None:
    async def create(alias: str, **values: object) -> None:
        body = {"alias": alias, "manifest": {"name": alias}, **values}
        async with session.post(f"{url}/public/services/artifact-manager/create", json=body) as answer:
            assert answer.status == 200, await answer.text()

    for alias in COLLECTIONS:
        await create(alias, type="collection")
    for alias in BOXES:
        await create(alias, stage=True)
    for alias in LOGS:
        await create(alias)


async def _kill_until(supervisor: int, end: float) -> int:
    kills = 0
    while time.monotonic() < end:
        await asyncio.sleep(1)
        workers = psutil.Process(supervisor).children()
        if workers:
            random.choice(workers).kill()
            kills += 1
    return kills


async def _judge(data: Path, environment: dict[str, str], history: History) -> list[str]:
    settings = load(environ=environment, overrides={"data": data, "sweep_interval": "0s"})
    async with open_core(settings) as core:
        return await complaints(core, history)
