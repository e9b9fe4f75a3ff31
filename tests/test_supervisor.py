"""Several server processes behind one address: who falls is replaced, and a stop leaves nobody."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from hypha_rpc import connect_to_server

from armarium.testing.server import RunningServer, ServerError

PATIENCE_SECONDS = 20.0


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def workers_of(server: RunningServer) -> list[psutil.Process]:
    return psutil.Process(server.pid).children()


def process_that_answers(url: str) -> str:
    """The request id begins with a name of the process that made it."""
    return requests.get(f"{url}/health", timeout=10).headers["x-request-id"].partition("-")[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("workers") / "data", options=["--workers", "3"]) as running:
        yield running


def test_every_worker_answers_and_the_first_start_says_one_token(server: RunningServer):
    assert len(workers_of(server)) == 3
    assert server.output.count("admin token: ") == 1
    assert "workers: 3" in server.output
    answering: set[str] = set()

    def all_have_answered() -> bool:
        answering.add(process_that_answers(server.url))
        return len(answering) == 3

    until(all_have_answered, "some worker never answers")


def test_a_burst_of_connections_is_shared_by_all_workers(server: RunningServer):
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))

        def held() -> list[int]:
            return [
                sum(c.status == "ESTABLISHED" and c.laddr.port == server.port for c in worker.net_connections())
                for worker in workers_of(server)
            ]

        until(lambda: sum(held()) >= 60, "some connection is not taken")
        assert min(held()) > 0, held()


def kill_one(server: RunningServer) -> None:
    """End one worker as a power cut would, and wait for the one that replaces it."""
    before = {worker.pid for worker in workers_of(server)}
    killed = workers_of(server)[0]
    killed.kill()
    until(lambda: len({worker.pid for worker in workers_of(server)} - before) == 1, "nobody replaces it")


def test_a_killed_worker_is_replaced_and_nobody_notices(server: RunningServer):
    token = {"Authorization": f"Bearer {server.admin_token}"}
    for _ in range(2):
        workers_of(server)[0].kill()
        for _ in range(10):
            answer = requests.get(f"{server.url}/ws-user-admin/artifacts/", headers=token, timeout=10)
            assert answer.status_code == 200
        until(lambda: len(workers_of(server)) == 3, "nobody replaces it")


FALLING = """
import pathlib, sys
from armarium.supervisor import Supervisor

def work(worker):
    with pathlib.Path(sys.argv[1]).open("a") as starts:
        starts.write("one more\\n")
    worker.report("here")
    raise SystemExit(1)

Supervisor(1, work, lambda reports: None, patience_seconds=5).run()
"""


def test_a_worker_that_answered_is_replaced_soon_however_often_it_falls(tmp_path: Path):
    starts = tmp_path / "starts"
    starts.touch()
    supervisor = subprocess.Popen([sys.executable, "-c", FALLING, str(starts)])
    try:
        until(lambda: len(starts.read_text().splitlines()) == 10, "it is replaced later and later")
    finally:
        supervisor.terminate()
        supervisor.wait()


STARTING = """
import os, pathlib, signal, sys, time
from armarium.supervisor import Supervisor

def be_slow():
    pathlib.Path(sys.argv[1]).touch()
    time.sleep(1)

def work(worker):
    while True:
        signal.pause()

os.register_at_fork(after_in_child=be_slow)
Supervisor(1, work, lambda reports: None, patience_seconds=600).run()
"""


def test_a_worker_that_was_only_just_begun_stops_with_the_others(tmp_path: Path):
    begun = tmp_path / "begun"
    supervisor = subprocess.Popen([sys.executable, "-c", STARTING, str(begun)])
    try:
        until(begun.exists, "no worker begins")
        supervisor.terminate()
        assert supervisor.wait(PATIENCE_SECONDS) == 0
    finally:
        supervisor.kill()
        supervisor.wait()


async def test_the_service_of_a_client_keeps_working_when_its_worker_is_killed(server: RunningServer):
    client = await connect_to_server({"server_url": server.url, "token": server.admin_token})
    try:
        store = await client.get_service("public/artifact-manager")
        await store.create(alias="kept", manifest={"name": "Kept"})
        for _ in range(3):  # one of the three carries the connection
            kill_one(server)
            assert (await read_in_the_end(store, "kept")).manifest.name == "Kept"
    finally:
        await client.disconnect()


async def read_in_the_end(store: Any, name: str) -> Any:
    """Read until the client is connected again; it does that by itself."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await asyncio.wait_for(store.read(name), 1)
        except Exception:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


def test_what_one_worker_is_told_every_worker_knows(server: RunningServer):
    headers = {"Authorization": f"Bearer {server.admin_token}"}
    calls = f"{server.url}/public/services/artifact-manager"

    def call(name: str, **arguments: object) -> object:
        answer = requests.post(f"{calls}/{name}", json=arguments, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    for n in range(12):
        call("create", alias=f"box-{n}", manifest={"name": "Box"}, stage=True)
        url = str(call("put_file", artifact_id=f"box-{n}", file_path="a.txt"))
        assert requests.put(url, data=b"content", timeout=30).status_code == 200
        call("commit", artifact_id=f"box-{n}")
        answer = requests.get(str(call("get_file", artifact_id=f"box-{n}", file_path="a.txt")), timeout=30)
        assert answer.content == b"content"


def test_a_stop_leaves_no_process(tmp_path: Path):
    server = RunningServer(tmp_path / "data", options=["--workers", "2"])
    server.start()
    workers = workers_of(server)
    assert server.stop() == 0
    assert not any(worker.is_running() for worker in workers)
    assert "Traceback" not in server.output


def test_workers_do_not_outlive_a_killed_supervisor(tmp_path: Path):
    server = RunningServer(tmp_path / "data", options=["--workers", "2"])
    server.start()
    workers = workers_of(server)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(server.pid).kill()
    until(lambda: not any(worker.is_running() for worker in workers), "orphans")
    server.kill()


def test_workers_that_cannot_start_end_the_server(tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "catalog.sqlite").write_text("this is no database, whatever its name says")
    server = RunningServer(data, options=["--workers", "2"])
    with pytest.raises(ServerError):
        server.start()
    assert server.stop() == 1
