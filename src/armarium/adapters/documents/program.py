"""The program that makes one document: standard input to standard output, under limits it cannot lift.

    standard input    JSON: either `title`, `text`, `format` and `target`, to convert a text;
                      or `kind` and `passages`, to write a new one
    standard output   `=` and the document, or `!` and what went wrong, or `?` and a package that is missing

Started for one document and gone with it: a text that loops a parser or fills memory ends this process alone. It opens
no connection, and the environment it gets holds nothing of the server.
"""

import json
import os
import resource
import sys
from typing import Any

from armarium.adapters.documents.extractive import write
from armarium.adapters.documents.printers import print_blocks
from armarium.adapters.documents.readers import read

_OPEN_FILES = 64


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


def answer(request: dict[str, Any]) -> bytes:
    """Do what is asked, and say what came of it."""
    try:
        return b"=" + _made(request)
    except ModuleNotFoundError as error:
        return f"?{error.name}".encode()
    except MemoryError:
        return b"!it needs too much memory"
    except RecursionError:
        return b"!it is nested too deeply"
    except Exception as error:  # noqa: BLE001 - whatever a library thinks of a hostile text is told, and ends here
        return f"!{type(error).__name__}: {error}"[:500].encode("utf-8", "replace")


def _made(request: dict[str, Any]) -> bytes:
    if "kind" in request:
        return write(request["kind"], request["passages"]).encode()
    return print_blocks(request["title"], read(request["text"], request["format"]), request["target"])


def main(seconds: int, memory_bytes: int) -> None:
    confine(seconds=seconds, memory_bytes=memory_bytes)
    sys.stdout.buffer.write(answer(json.loads(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
