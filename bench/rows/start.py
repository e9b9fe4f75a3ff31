"""From nothing to the first answer, and what an idle server holds."""

import time
import urllib.request
from collections.abc import Iterator

import msgspec

from bench.harness import Bench, Usage
from bench.measure import Budget, Measure, Timings, measure

SETTLE_SECONDS = 0.5


def start(bench: Bench) -> Iterator[Measure]:
    floor = bench.floors("python")
    latencies = []
    began_all = time.perf_counter()
    for _ in range(bench.sizes.starts):
        bench.server.stop()
        began = time.perf_counter()
        bench.server.start()
        with urllib.request.urlopen(f"{bench.url_of(bench.collection)}?silent=1") as answer:
            answer.read()
        latencies.append(time.perf_counter() - began)
    seen = [Timings(began_all, time.perf_counter(), latencies)]
    found = measure("start", "start to first answer", "p50_ms", seen, budget=Budget("p50_ms", 1000)).against(floor)
    yield msgspec.structs.replace(found, per_second=None)
    time.sleep(SETTLE_SECONDS)
    yield Measure(
        row="start",
        name="idle memory",
        key="rss_after_mb",
        rss_after_mb=Usage(bench.server.pid).before,
        budget=Budget("rss_after_mb", 100),
    ).judged()
