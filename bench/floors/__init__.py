"""What this machine can do at all: the same work with everything of ours taken away, measured in the same run."""

from collections.abc import Callable

from bench.floors import databases, http, machine, store, websocket
from bench.floors.ground import Ground
from bench.measure import Measure

Floor = Callable[[Ground], Measure | None]

FLOORS: dict[str, Floor] = {
    "http": http.constant,
    "asgi": http.constant_asgi,
    "websocket": websocket.one_at_a_time,
    "websocket_busy": websocket.busy,
    "disk": machine.disk,
    "disk_sha256": machine.disk_sha256,
    "python": machine.python,
    "loopback": http.loopback,
    "file": http.file,
    "files": http.files,
    "nginx_file": http.nginx_file,
    "nginx_files": http.nginx_files,
    "sqlite_row": databases.sqlite_row,
    "sqlite_page": databases.sqlite_page,
    "sqlite_commit": databases.sqlite_commit,
    "postgres_row": databases.postgres_row,
    "postgres_page": databases.postgres_page,
    "postgres_commit": databases.postgres_commit,
    "s3_put": store.put,
    "s3_get": store.get,
    "s3_gets": store.gets,
}


class Floors:
    """Measures each floor once, when it is first asked for."""

    def __init__(self) -> None:
        self._known: dict[str, Measure | None] = {}

    @property
    def measured(self) -> list[Measure]:
        return [floor for floor in self._known.values() if floor is not None]

    def __call__(self, name: str, ground: Ground) -> Measure | None:
        """None where the machine has not what the floor needs."""
        if name not in self._known:
            self._known[name] = FLOORS[name](ground)
        return self._known[name]
