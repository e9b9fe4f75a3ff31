"""Numbers about the requests of one process, for Prometheus."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"})
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class Metrics(Collector):
    """Counts in plain numbers and names them when asked: every request is counted, few are scraped."""

    def __init__(self, jobs: Mapping[tuple[str, str], int]) -> None:
        """jobs: how many of a kind have ended with a status, in this process."""
        self._requests: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._in_bucket = [0] * (len(_BOUNDS) + 1)
        self._seconds = 0.0
        self._jobs = jobs
        self.open_jobs: Mapping[str, int] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def request_ended(self, method: str, status: int, seconds: float) -> None:
        """Count a request. status: 0 where nothing was answered."""
        self._requests[method, status] += 1
        self._in_bucket[bisect_left(_BOUNDS, seconds)] += 1
        self._seconds += seconds

    def collect(self) -> Iterable[Metric]:
        """Called by the registry at each scrape."""
        requests = CounterMetricFamily("armarium_http_requests", "HTTP requests answered.", labels=["method", "status"])
        for (method, status), count in sorted(self._requests.items()):
            requests.add_metric([method if method in _METHODS else "other", str(status)], count)
        yield requests
        seconds = HistogramMetricFamily("armarium_http_request_seconds", "Time to answer an HTTP request.")
        seconds.add_metric([], self._buckets(), sum_value=self._seconds)
        yield seconds
        yield from self._jobs_families()

    def _jobs_families(self) -> Iterable[Metric]:
        waiting = GaugeMetricFamily("armarium_jobs", "Jobs that are not over.", labels=["status"])
        for status, count in self.open_jobs.items():
            waiting.add_metric([status], count)
        yield waiting
        ended = CounterMetricFamily("armarium_jobs_ended", "Jobs this process ended.", labels=["kind", "status"])
        for (kind, status), count in sorted(self._jobs.items()):
            ended.add_metric([kind, status], count)
        yield ended

    def _buckets(self) -> list[tuple[str, float]]:
        total = 0
        cumulated: list[tuple[str, float]] = []
        for bound, count in zip((*map(str, _BOUNDS), "+Inf"), self._in_bucket, strict=True):
            total += count
            cumulated.append((bound, total))
        return cumulated

    def exposition(self) -> bytes:
        return generate_latest(self._registry)
