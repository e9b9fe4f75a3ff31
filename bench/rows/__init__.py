"""The rows of the report, in the order they run: each takes the bench and yields measures."""

from collections.abc import Callable, Iterator

from bench.harness import Bench
from bench.measure import Measure
from bench.rows.create import create
from bench.rows.databases import million, postgres
from bench.rows.large_files import large_files
from bench.rows.listing import listing
from bench.rows.manifest import manifest
from bench.rows.model_files import model_files
from bench.rows.rpc_read import rpc_busy, rpc_read
from bench.rows.small_files import small_files
from bench.rows.start import start
from bench.rows.vectors import vectors
from bench.rows.zips import zips

Row = Callable[[Bench], Iterator[Measure]]

ROWS: dict[str, Row] = {
    "start": start,
    "rpc-read": rpc_read,
    "rpc-busy": rpc_busy,
    "manifest": manifest,
    "create": create,
    "small-files": small_files,
    "large-files": large_files,
    "model-files": model_files,
    "zip": zips,
    "list": listing,
    "vectors": vectors,
    "postgres": postgres,
    "million": million,
}
