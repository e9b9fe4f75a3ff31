"""The program that renders templates: started once, it forks a process for every page and never renders itself.

    standard input   a Unix socket; each message on it carries one end of a connection
    the connection   takes one request as JSON, up to its end; answers `=` and the page, or `!` and what went wrong

A page's process gets hard limits before it reads anything: seconds of computing, seconds on the clock, bytes of
memory, no files to write, the lowest priority. The kernel enforces them, so a template that loops inside one long
operation ends like any other. Nothing of one page is left for the next, and no secret of the server was ever here.
"""

import json
import os
import resource
import signal
import socket
import sys
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, select_autoescape
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

_ESCAPED = ("html", "htm", "xhtml", "xml", "svg")
_OPEN_FILES = 16


def environment() -> ImmutableSandboxedEnvironment:
    """A sandbox without loader: a template reads its variables and nothing else."""
    made = ImmutableSandboxedEnvironment(autoescape=select_autoescape(_ESCAPED), keep_trailing_newline=True)
    made.globals.pop("lipsum", None)
    return made


def rendered(sandbox: ImmutableSandboxedEnvironment, request: dict[str, Any], limit_bytes: int) -> bytes:
    """Return the answer to one request."""
    try:
        # The name is only looked at, never loaded: it decides about escaping and stands in messages.
        code = sandbox.compile(request["source"], name=request["name"], filename=request["name"])
        template = sandbox.template_class.from_code(sandbox, code, sandbox.make_globals(None))
        page = bytearray(b"=")
        for piece in template.generate(request["variables"]):
            page += piece.encode()
            if len(page) > limit_bytes:
                return f"!the page is larger than {limit_bytes} bytes".encode()
        return bytes(page)
    except TemplateSyntaxError as error:
        return f"!{error.message} (line {error.lineno})".encode()
    except MemoryError:
        return b"!it needs too much memory"
    except (SecurityError, TemplateError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        return f"!{type(error).__name__}: {error}"[:500].encode("utf-8", "replace")


def confine(*, seconds: int, memory_bytes: int) -> None:
    """Put this process under limits it cannot lift again."""
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        resource.setrlimit(kind, (most, most))
    os.nice(10)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _answer(connection: socket.socket, sandbox: ImmutableSandboxedEnvironment, limit_bytes: int) -> None:
    received = bytearray()
    while piece := connection.recv(1 << 16):
        received += piece
    connection.sendall(rendered(sandbox, json.loads(received), limit_bytes))


def main(seconds: int, memory_bytes: int, limit_bytes: int) -> None:
    """Serve until the other end of standard input is closed."""
    control = socket.socket(fileno=0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that ended children leave nothing behind
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then closes the socket
    sandbox = environment()
    rendered(
        sandbox, {"name": "warm.html", "source": "{% for x in y %}{{ x|tojson }}{% endfor %}", "variables": {}}, 99
    )
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            try:
                confine(seconds=seconds, memory_bytes=memory_bytes)
                _answer(socket.socket(fileno=descriptors[0]), sandbox, limit_bytes)
            finally:
                os._exit(0)
        os.close(descriptors[0])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
