"""Several processes behind one listening socket: started, watched, replaced, and ended together.

    supervisor   holds the socket and the lifeline, and never touches data
      worker 0   a fork that does the work and says over a pipe of its own when it answers
      worker 1   ...

A worker that ends is replaced: at once, or after a pause while replacements do not last, which doubles while they do
not even begin to answer. When the supervisor is gone, however it went, the lifeline breaks and every worker stops as if
it had been asked to.
"""

import contextlib
import logging
import os
import selectors
import signal
import time
import traceback
from collections.abc import Callable, Iterator

import msgspec

log = logging.getLogger(__name__)

_STOPPING = (signal.SIGINT, signal.SIGTERM)
_REPORT_BYTES = 4096
_LASTING_SECONDS = 5.0
"""A worker that lived as long is replaced at once."""
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 10.0


class Worker(msgspec.Struct, frozen=True):
    """What a worker knows of its place. number: from 0, and kept by the one that replaces it.

    lifeline: a descriptor that becomes readable when the supervisor is gone.
    """

    number: int
    lifeline: int
    pipe: int

    def report(self, text: str) -> None:
        """Say that the work has begun; text: a line for whoever started the supervisor."""
        os.write(self.pipe, text.encode() + b"\n")
        os.close(self.pipe)


Work = Callable[[Worker], None]


class _Place:
    """One of the places that always has a worker, or waits for the next one."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.pid: int | None = None
        self.report: int | None = None
        self.started_at = 0.0
        self.start_at = 0.0
        self.has_reported = False
        self.falls = 0

    def ended(self) -> None:
        """Note that its worker is gone, and when the next shall start."""
        self.pid = None
        now = time.monotonic()
        self.falls = 0 if now - self.started_at > _LASTING_SECONDS else self.falls + 1
        if self.has_reported:  # it could start, so the next one can: who falls often must not be missed for long
            self.falls = min(self.falls, 2)
        pause = _FIRST_PAUSE_SECONDS * 2 ** (self.falls - 2) if self.falls > 1 else 0.0
        self.start_at = now + min(pause, _LONGEST_PAUSE_SECONDS)


class Supervisor:
    """Keeps `count` workers alive until it is told to stop.

    work: what a worker does; it runs in a fork, reports once, and returns when it is asked to stop by SIGTERM.
    began: called once with the reports of all the first workers.
    patience_seconds: how long a worker may take to stop before it is killed.
    """

    def __init__(self, count: int, work: Work, began: Callable[[list[str]], None], *, patience_seconds: float) -> None:
        self._places = [_Place(number) for number in range(count)]
        self._work = work
        self._began = began
        self._patience_seconds = patience_seconds
        self._selector = selectors.DefaultSelector()
        self._reports: dict[int, str] = {}
        self._have_begun = False
        self._stops = 0

    def run(self) -> int:
        """Return the exit code: 0 after a stop, 1 when the first workers could not start."""
        self._lifeline, self._lifeline_end = os.pipe()
        with self._listening_to_signals():
            for place in self._places:
                self._start(place)
            while not self._stops and self._attend():
                pass
            self._stop_all()
        return 0 if self._stops else 1

    @contextlib.contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        """Wake the selector at each signal; who asks to stop is counted, the rest is seen when we look."""
        waking, self._wake_end = os.pipe()
        os.set_blocking(waking, False)
        os.set_blocking(self._wake_end, False)
        self._selector.register(waking, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._wake_end, warn_on_full_buffer=False)
        before = {number: signal.signal(number, self._asked_to_stop) for number in _STOPPING}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._waking = waking
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _asked_to_stop(self, number: int, frame: object) -> None:
        self._stops += 1

    def _attend(self) -> bool:
        """Wait for something to happen and see to it; False when the first workers could not start."""
        self._listen(self._next_start())
        for place in self._reap():
            if not self._have_begun:
                return False
            log.error("worker %d ended; it is replaced", place.number)
        for place in self._places:
            if place.pid is None and time.monotonic() >= place.start_at:
                self._start(place)
        return True

    def _next_start(self) -> float | None:
        waiting = [place.start_at for place in self._places if place.pid is None]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def _listen(self, timeout_seconds: float | None) -> None:
        for key, _ in self._selector.select(timeout_seconds):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._waking, _REPORT_BYTES)
            else:
                self._hear(key.data, os.read(key.fd, _REPORT_BYTES).decode())

    def _hear(self, place: _Place, text: str) -> None:
        """Take a worker's report; that of one which ended before it had any is empty, and `_reap` sees to it."""
        self._hang_up(place)
        place.has_reported = bool(text)
        if text and not self._have_begun:
            self._reports[place.number] = text.strip()
            if len(self._reports) == len(self._places):
                self._have_begun = True
                self._began([self._reports[number] for number in sorted(self._reports)])

    def _hang_up(self, place: _Place) -> None:
        if place.report is not None:
            self._selector.unregister(place.report)
            os.close(place.report)
            place.report = None

    def _reap(self) -> list[_Place]:
        """The places whose workers have ended since we last looked."""
        ended = []
        for place in self._places:
            if place.pid is not None and os.waitpid(place.pid, os.WNOHANG)[0]:
                if place.report is not None:  # its last word may have come with its end
                    self._hear(place, os.read(place.report, _REPORT_BYTES).decode())
                place.ended()
                ended.append(place)
        return ended

    # starting

    def _start(self, place: _Place) -> None:
        reading, writing = os.pipe()
        place.started_at, place.has_reported = time.monotonic(), False
        # Until a worker has let go of our handlers, it would take a signal for one of ours and live on.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            self._be_a_worker(Worker(place.number, self._lifeline, writing))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        os.close(writing)
        place.pid, place.report = pid, reading
        self._selector.register(reading, selectors.EVENT_READ, place)

    def _be_a_worker(self, worker: Worker) -> None:
        """Do the work and end this process; nothing of the supervisor's may be touched from here on."""
        code = 1
        try:
            self._let_go()
            self._work(worker)
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:  # noqa: BLE001 - the edge of a process
            traceback.print_exc()
        finally:
            os._exit(code)

    def _let_go(self) -> None:
        """Give up, in a fork, what belongs to the supervisor: the lifeline breaks only if nobody else holds it."""
        signal.set_wakeup_fd(-1)
        for number in (*_STOPPING, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        self._selector.close()
        for descriptor in (self._lifeline_end, self._waking, self._wake_end):
            os.close(descriptor)
        for place in self._places:
            if place.report is not None:
                os.close(place.report)

    # stopping

    def _stop_all(self) -> None:
        """Ask every worker to stop; one that takes too long, or all when we are asked again, are killed."""
        self._signal_all(signal.SIGTERM)
        deadline = time.monotonic() + self._patience_seconds
        while self._is_anyone_there():
            self._listen(max(0.0, deadline - time.monotonic()))
            self._reap()
            if time.monotonic() >= deadline or self._stops > 1:
                self._signal_all(signal.SIGKILL)

    def _is_anyone_there(self) -> bool:
        return any(place.pid is not None for place in self._places)

    def _signal_all(self, number: signal.Signals) -> None:
        for place in self._places:
            if place.pid is not None:
                os.kill(place.pid, number)
