"""Connections of one socket, shared by several processes."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from armarium import acceptor
from armarium.acceptor import Acceptor, Share, shares


class Greeting(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        transport.write(b"welcome")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@asynccontextmanager
async def accepting(listener: socket.socket, share: Share, *, connections: int = 0) -> AsyncIterator[Acceptor]:
    running = Acceptor(listener, share, Greeting, lambda: connections)
    running.start()
    try:
        yield running
    finally:
        await running.close()


async def is_greeted(listener: socket.socket) -> bool:
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    try:
        return await asyncio.wait_for(reader.readexactly(7), 10) == b"welcome"
    finally:
        writer.close()


def test_who_has_more_connections_than_another_is_above_its_share():
    first, second = shares(2)
    assert not first.is_above_others
    first.tell(3)
    assert first.is_above_others
    assert not second.is_above_others
    second.tell(3)
    assert not first.is_above_others


async def test_a_process_within_its_share_takes_connections(listener: socket.socket):
    async with accepting(listener, shares(2)[0]):
        assert await is_greeted(listener)
        assert await is_greeted(listener)


async def test_connections_that_nobody_else_takes_are_taken_by_who_has_enough(listener: socket.socket):
    async with accepting(listener, shares(2)[0], connections=100):
        assert all(await asyncio.gather(*(is_greeted(listener) for _ in range(20))))


async def test_others_are_told_how_many_connections_there_are(listener: socket.socket):
    first, second = shares(2)
    async with accepting(listener, first, connections=7):
        assert list(second.counts) == [7, 0]


async def test_a_closed_acceptor_leaves_connections_to_the_others(listener: socket.socket):
    first, second = shares(2)
    async with accepting(listener, first) as closed:
        await closed.close()
        async with accepting(listener, second, connections=9):
            assert await is_greeted(listener)
        assert first.counts[0] == 0


class Exhausted(socket.socket):
    """A listener of a process that has, for one moment, no descriptor left."""

    moments = 1

    def accept(self) -> Any:
        if self.moments:
            self.moments -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_after_a_moment_without_descriptors_connections_are_taken_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(acceptor, "PAUSE_SECONDS", 0.05)
    with Exhausted() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        async with accepting(listener, shares(1)[0]):
            assert await is_greeted(listener)
        assert listener.moments == 0
