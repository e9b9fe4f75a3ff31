"""Remote calls over one connection: the client's into our services, ours into the client's."""

import asyncio
import functools
import itertools
import logging
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any, Protocol

import msgspec

from armarium.domain.errors import ArmariumError, Unavailable, Unsupported
from armarium.faces.hypha import frames
from armarium.faces.hypha.chunks import SINGLE_FRAME_BYTES, ChunkLimits, Reassembly, send_in_pieces
from armarium.faces.hypha.errors import CallFailed, UnknownMethodError, error_text
from armarium.faces.hypha.frames import FrameError, Payload, Routing
from armarium.faces.hypha.identity import Session, user_info
from armarium.faces.hypha.services import Function, Service
from armarium.faces.hypha.values import RemoteValue, error_value, from_wire, to_wire, without_huge_numbers

log = logging.getLogger(__name__)

Encoded = bytes | memoryview
SERVER_USER: dict[str, Any] = {"id": "armarium", "roles": [], "is_anonymous": False, "email": None, "scope": None}


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one connection may ask for at a time.

    calls: run at once; more wait their turn, up to `waiting_calls`.
    client_seconds: how long one of our calls into a client may stay silent.
    idle_seconds: a connection without any frame for so long is closed.
    """

    calls: int = 64
    waiting_calls: int = 20_000
    waiting_bytes: int = 64 * 1024 * 1024
    frame_bytes: int = frames.FRAME_BYTES
    client_seconds: float = 30.0
    idle_seconds: float = 600.0
    chunks: ChunkLimits = ChunkLimits()


# A few bytes of msgpack can stand for a hundred in memory, so those nobody knows may send little.
VISITOR_LIMITS = Limits(
    calls=16,
    waiting_calls=1000,
    waiting_bytes=4 * 1024 * 1024,
    frame_bytes=1024 * 1024,
    chunks=ChunkLimits(total_bytes=4 * 1024 * 1024, messages=4),
)


class Endpoint:
    """An address on the wire behind which the server itself answers."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.services: dict[str, Service] = {}
        self.methods: dict[str, Function] = {}

    def offer(self, service: Service) -> None:
        self.services[service.id] = service
        for path, function in service.functions.items():
            self.methods[f"services.{service.id}.{path}"] = function


class Carrier(Protocol):
    """The transport under a connection. Nothing here waits."""

    def send(self, frame: bytes) -> None: ...

    def tell(self, message: dict[str, Any]) -> None:
        """Send a control message, which is no frame."""
        ...

    def close(self, code: int, reason: str) -> None: ...


class Router(Protocol):
    """Where frames go that a connection received."""

    def route(self, peer: "Peer", routing: Routing, payload: Encoded) -> None: ...


class Call:
    """One call a client waits for, from its arrival to its answer."""

    __slots__ = ("args", "beat", "caller", "endpoint", "every", "function", "kwargs", "session", "size")

    def __init__(
        self, endpoint: str, session: str | None, function: Function, caller: "Peer", body: Payload, size: int
    ) -> None:
        self.endpoint = endpoint
        self.session = session
        self.function = function
        self.caller = caller
        self.args = body.args
        self.kwargs: dict[str, Any] = {}
        if body.with_kwargs and self.args and isinstance(self.args[-1], dict):
            self.kwargs = self.args.pop()
        self.every = body.heartbeat_seconds
        self.size = size
        self.beat: asyncio.TimerHandle | None = None

    def start(self) -> Coroutine[Any, Any, Any]:
        caller = self.caller if self.function.needs_connection else self.caller.session
        return self.function.start(caller, self.args, self.kwargs)

    def answer(self, outcome: str, value: Any) -> bytes:
        """Encode a frame that resolves or rejects."""
        routing = self._routing(outcome)
        try:
            return frames.encode(routing, {"args": [value]})
        except OverflowError:
            return frames.encode(routing, {"args": [without_huge_numbers(value)]})

    def keep_alive(self, loop: asyncio.AbstractEventLoop) -> None:
        """Show the caller signs of life until `stop`."""
        if self.session is not None:
            self.beat = loop.call_later(self.every, self._show_life, loop)

    def stop(self) -> None:
        if self.beat is not None:
            self.beat.cancel()

    def _show_life(self, loop: asyncio.AbstractEventLoop) -> None:
        self.caller.send(frames.encode(self._routing("heartbeat")))
        self.keep_alive(loop)

    def _routing(self, outcome: str) -> Routing:
        # The client drops an answer whose sender is not, letter for letter, whom it called.
        return Routing("method", self.endpoint, self.caller.address, f"{self.session}.{outcome}")


class ClientFunction(RemoteValue):
    """A function of the client, handed over as an argument; good while the call it came with lasts."""

    __slots__ = ("_method", "_peer", "_sender", "_target")

    def __init__(self, peer: "Peer", sender: str, fields: dict[str, Any]) -> None:
        target = str(fields.get("_rtarget", ""))
        self._target = target if "/" in target else f"{peer.workspace}/{target}"
        super().__init__({**fields, "_rtarget": self._target})
        self._method = str(fields.get("_rmethod", ""))
        self._peer = peer
        self._sender = sender

    async def __call__(self, *args: Any) -> Any:
        """Call the function. Raises CallFailed, also for a function of someone else."""
        if self._target != self._peer.address:
            raise CallFailed("Only functions of the calling client can be called.")
        return await self._peer.call(self._sender, self._method, *args)


class _Question:
    """One of our calls into the client, waiting for its answer."""

    __slots__ = ("future", "seconds", "timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self.future: asyncio.Future[Any] = loop.create_future()
        self.seconds = seconds
        self.timer = loop.call_later(seconds, self.fail, "The client did not answer in time.")

    def extend(self) -> None:
        self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(self.seconds, self.fail, "The client fell silent.")

    def succeed(self, value: Any) -> None:
        self.timer.cancel()
        if not self.future.done():
            self.future.set_result(value)

    def fail(self, reason: str) -> None:
        self.timer.cancel()
        if not self.future.done():
            self.future.set_exception(CallFailed(reason))


class Peer:
    """One connected client, whatever carries its frames."""

    def __init__(self, session: Session, client_id: str, carrier: Carrier, router: Router, limits: Limits) -> None:
        self.session = session
        self.client_id = client_id
        self.workspace = session.workspace
        self.address = f"{session.workspace}/{client_id}"
        self.user = user_info(session)
        self.carrier = carrier
        self.incoming = Reassembly(limits.chunks)
        self.subscriptions: set[str] = set()
        self.services: dict[str, dict[str, Any]] = {}
        self.closed = False
        self.draining = False
        self.last_heard = time.monotonic()
        self._router = router
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._running: set[asyncio.Task[None]] = set()
        self._waiting: deque[Call] = deque()
        self._waiting_bytes = 0
        self._questions: dict[str, _Question] = {}
        self._numbers = itertools.count(1)

    # frames in and out

    def send(self, frame: bytes) -> None:
        if not self.closed:
            self.carrier.send(frame)

    def receive(self, frame: bytes) -> None:
        """Take one frame from the client. Nothing a client sends makes this raise."""
        self.last_heard = time.monotonic()
        try:
            routing, payload = frames.split(frame, self._limits.frame_bytes)
            self._router.route(self, routing, payload)
        except FrameError as exc:
            log.debug("frame from %s dropped: %s", self.address, exc)
        except Exception:
            log.exception("frame from %s failed", self.address)

    def receive_assembled(self, message: bytes, endpoint: str) -> None:
        """Take a message that came in pieces. Raises FrameError."""
        routing, payload = frames.split_message(message)
        routing.to = endpoint
        self._router.route(self, routing, payload)

    # the client's calls into our services

    @property
    def unfinished_calls(self) -> int:
        return len(self._running) + len(self._waiting)

    async def finish(self) -> None:
        """Wait until no call is under way."""
        while self._running:
            await asyncio.wait(self._running)

    def serve(self, endpoint: Endpoint, routing: Routing, payload: Encoded) -> None:
        """Answer a frame that is addressed to the server."""
        function = endpoint.methods.get(routing.method)
        if function is None:
            self._settle_or_refuse(routing, payload)
            return
        try:
            body = frames.read_payload(payload)
            if body.encryption is not None:
                raise Unsupported("Encrypted calls are not supported.")
            body.args = self._read(body.args, payload, routing.to)
            self._admit(Call(routing.to, routing.session, function, self, body, len(payload)))
        except (FrameError, ArmariumError) as exc:
            self.refuse(routing, exc)

    def refuse(self, routing: Routing, exc: Exception) -> None:
        """Tell the client that its call failed, if it waits for an answer."""
        if routing.session is None or routing.type != "method":
            return
        reply = Routing("method", routing.to, self.address, f"{routing.session}.reject")
        self.send(frames.encode(reply, {"args": [error_value(error_text(exc))]}))

    def _settle_or_refuse(self, routing: Routing, payload: Encoded) -> None:
        session, _, outcome = routing.method.rpartition(".")
        question = self._questions.get(session)
        if question is not None:
            self._settle(question, outcome, payload)
        else:
            # "Method not found" are words on which the client's manager proxy tries again.
            self.refuse(routing, UnknownMethodError(f"Method not found: {routing.method[:200]}"))

    def _admit(self, call: Call) -> None:
        if self.draining:
            raise Unavailable("The server is restarting, please try again.")
        if len(self._running) < self._limits.calls:
            call.keep_alive(self._loop)
            self._start(call)
            return
        if len(self._waiting) >= self._limits.waiting_calls or self._waiting_bytes > self._limits.waiting_bytes:
            raise Unavailable("Too many calls are waiting on this connection.")
        call.keep_alive(self._loop)
        self._waiting.append(call)
        self._waiting_bytes += call.size

    def _start(self, call: Call) -> None:
        task = self._loop.create_task(self._answer(call))
        self._running.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        while self._waiting and not self.closed and len(self._running) < self._limits.calls:
            call = self._waiting.popleft()
            self._waiting_bytes -= call.size
            self._start(call)

    async def _answer(self, call: Call) -> None:
        try:
            result = await call.start()
            if call.session is not None:
                await self._deliver(call, call.answer("resolve", to_wire(result)))
        except Exception as exc:  # noqa: BLE001 - the edge: whatever a function raises becomes an answer
            self._report(call, exc)
        finally:
            call.stop()

    async def _deliver(self, call: Call, frame: bytes) -> None:
        if len(frame) <= SINGLE_FRAME_BYTES:
            self.send(frame)
        else:
            await send_in_pieces(self, call.endpoint, frame)

    def _report(self, call: Call, exc: Exception) -> None:
        text = error_text(exc)
        if call.session is not None:
            self.send(call.answer("reject", error_value(text)))

    # our calls into the client

    async def call(self, sender: str, method: str, *args: Any) -> Any:
        """Call a function of this client and wait for its answer; sender: the address we speak for.

        Raises CallFailed.
        """
        if self.closed:
            raise CallFailed("The client is gone.")
        session = f"s{next(self._numbers)}"
        question = self._questions[session] = _Question(self._loop, self._limits.client_seconds)
        routing = Routing("method", sender, self.address, method, session, None, self.workspace, SERVER_USER)
        body = {"args": to_wire(args), "promise": "*", "t": self._limits.client_seconds / 3}
        self.send(frames.encode(routing, body))
        try:
            return await question.future
        finally:
            question.timer.cancel()
            del self._questions[session]

    def _settle(self, question: _Question, outcome: str, payload: Encoded) -> None:
        if outcome == "heartbeat":
            question.extend()
            return
        args = frames.read_payload(payload).args
        value = self._read(args, payload, self.address)[0] if args else None
        if outcome == "resolve":
            question.succeed(value)
        elif outcome == "reject":
            question.fail(_failure(value))

    def _read(self, args: list[Any], payload: Encoded, sender: str) -> Any:
        return from_wire(args, payload, functools.partial(ClientFunction, self, sender))

    # the end

    def close(self, code: int, reason: str) -> None:
        """Ask the carrier to close, after what is queued has been sent."""
        self.carrier.close(code, reason)

    def end(self) -> None:
        """The connection is gone: what has begun still finishes, what waits is dropped."""
        self.closed = True
        for call in self._waiting:
            call.stop()
        self._waiting.clear()
        for question in list(self._questions.values()):
            question.fail("The client is gone.")
        self.services.clear()


def _failure(value: Any) -> str:
    if isinstance(value, RemoteValue):
        return str(value.fields.get("_rvalue"))[:2000]
    return str(value)[:2000]
