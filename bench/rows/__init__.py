"""The rows of the report, in the order they run: each takes the bench and yields measures."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from bench.harness import Bench
from bench.measure import Measure
from bench.rows.create import create
from bench.rows.databases import million
from bench.rows.hybrid import hybrid
from bench.rows.large_files import large_files
from bench.rows.listing import listing
from bench.rows.manifest import manifest
from bench.rows.model_files import model_files
from bench.rows.rpc_read import rpc_busy, rpc_read
from bench.rows.small_files import small_files
from bench.rows.start import start
from bench.rows.vectors import million_vectors, vectors
from bench.rows.zips import zips


class Row(NamedTuple):
    """scales: whether more processes of the server can make it faster. on_request: too long to be run unasked."""

    measures: Callable[[Bench], Iterator[Measure]]
    scales: bool = False
    on_request: bool = False


ROWS: dict[str, Row] = {
    "start": Row(start),
    "rpc-read": Row(rpc_read),
    "rpc-busy": Row(rpc_busy, scales=True),
    "manifest": Row(manifest, scales=True),
    "create": Row(create, scales=True),
    "small-files": Row(small_files, scales=True),
    "large-files": Row(large_files),
    "model-files": Row(model_files),
    "zip": Row(zips),
    "list": Row(listing),
    "vectors": Row(vectors),
    "hybrid": Row(hybrid),
    "million": Row(million, on_request=True),
    "million-vectors": Row(million_vectors, on_request=True),
}
