"""The server that tests and benchmarks run is a real one, and its ends are real ends."""

import socket
from pathlib import Path

import psutil
import pytest

from armarium.testing.server import RunningServer, ServerError


def test_a_server_listens_on_a_port_of_its_own(tmp_path: Path):
    with RunningServer(tmp_path) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        socket.create_connection(("127.0.0.1", server.port), timeout=5).close()


def test_a_stopped_server_leaves_no_process(tmp_path: Path):
    with RunningServer(tmp_path) as server:
        pid = server.pid
    assert not psutil.pid_exists(pid)


def test_stopping_politely_ends_without_complaint(tmp_path: Path):
    server = RunningServer(tmp_path)
    server.start()
    assert server.stop() == 0
    assert "Traceback" not in server.output


def test_a_killed_server_comes_back_on_its_port_with_its_data(tmp_path: Path):
    with RunningServer(tmp_path) as server:
        port, token = server.port, server.admin_token
        server.kill()
        server.restart()
        assert (server.port, server.admin_token) == (port, token)
        assert server.output.count("admin token:") == 1


def test_a_token_of_a_new_user_is_one_word(tmp_path: Path):
    with RunningServer(tmp_path) as server:
        server.make_user("ada")
        token = server.make_token("ada")
        assert len(token.split()) == 1
        assert token != server.admin_token


def test_a_server_that_cannot_start_says_what_it_printed(tmp_path: Path):
    server = RunningServer(tmp_path, options=["--no-such-option"])
    with pytest.raises(ServerError, match="no-such-option"):
        server.start()
    server.kill()
    with pytest.raises(ServerError, match="not running"):
        _ = server.pid


def test_a_failing_command_tells_what_it_printed(tmp_path: Path):
    with pytest.raises(ServerError, match="token create"):
        RunningServer(tmp_path).make_token("nobody-of-that-name")
