"""Running the toy server for a test: in a thread, to look inside, or in a process, to kill."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from armarium.faces.hypha.hub import Hub
from tests.faces.hypha.toy import People, toy_app, toy_config

ROOT = Path(__file__).parents[3]


class Toy:
    """A running toy server."""

    def __init__(self, port: int, hub: Hub, people: People, server: uvicorn.Server) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.ws_url = f"ws://127.0.0.1:{port}/ws"
        self.hub = hub
        self.people = people
        self.server = server


class DrainingServer(uvicorn.Server):
    """Lets calls finish before it closes sockets."""

    hub: Hub

    async def shutdown(self, sockets: Any = None) -> None:
        await self.hub.drain(5)
        await super().shutdown(sockets)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving_toy(**options: Any) -> Iterator[Toy]:
    port, people = free_port(), People()
    app, hub = toy_app(f"http://127.0.0.1:{port}", people, **options)
    server = DrainingServer(toy_config(app, port))
    server.hub = hub
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for_port(port)
        yield Toy(port, hub, people, server)
    finally:
        server.should_exit = True
        thread.join(20)


@contextlib.contextmanager
def toy_process(port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, "-m", "tests.faces.hypha.toy", str(port)]
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        wait_for_port(port)
        yield process
    finally:
        process.kill()
        process.wait(10)


def wait_for_port(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError("the toy server did not start")
