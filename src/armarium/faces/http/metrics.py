"""Numbers about the requests of one process, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class Metrics:
    """A registry of its own, so that several applications in one process do not mix."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "armarium_http_requests", "HTTP requests answered.", ["method", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "armarium_http_request_seconds",
            "Time to answer an HTTP request.",
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._children: dict[tuple[str, int], Counter] = {}

    def request_ended(self, method: str, status: int, seconds: float) -> None:
        """Count a request. status: 0 where nothing was answered."""
        key = (method if method in _METHODS else "other", status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._requests.labels(*map(str, key))
        child.inc()
        self._seconds.observe(seconds)

    def exposition(self) -> bytes:
        return generate_latest(self._registry)
