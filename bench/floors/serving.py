"""The servers that floors are measured with, each in a process of its own on a free port."""

import multiprocessing
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Serve = Callable[..., None]

_SPAWN = multiprocessing.get_context("spawn")
_START_SECONDS = 10.0

_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=100;
    keepalive_requests 100000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


@contextmanager
def served(serve: Serve, *arguments: object) -> Iterator[str]:
    """Run `serve(listener, *arguments)`; yields its URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        process = _SPAWN.Process(target=serve, args=(listener, *arguments))
        process.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.kill()
            process.join()


@contextmanager
def nginx_serving(program: str, root: Path, folder: Path, *, as_root: bool) -> Iterator[str]:
    """Run one process of nginx on a folder of files; yields its URL. folder: for what it writes itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    configuration = folder / "nginx.conf"
    user = "user root;" if as_root else ""  # else its process may not read what only we may
    configuration.write_text(_NGINX.format(folder=folder, root=root, port=port, user=user))
    process = subprocess.Popen([program, "-c", configuration, "-p", folder], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
