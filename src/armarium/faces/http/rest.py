"""A REST door as a table of operations.

An operation is a method and a path beside the coroutine that answers it. What the coroutine takes is read from its
signature once, when the door is built; the OpenAPI document is made from the same signature:

    who: Principal          the caller, verified first of all
    call: Call              the request itself, for headers and streamed bodies
    query: SomeStruct       the query string; a field that holds a list takes a repeated parameter
    body: SomeStruct        the JSON body
    anything else           the part of the path with that name, converted to its type

It returns what is encoded as JSON, an `Answer` where status or headers are decided late, None for an empty body, or an
ASGI application that sends bytes.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar, get_type_hints

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from armarium.core.idempotency import Idempotency
from armarium.domain.errors import ArmariumError
from armarium.domain.principal import Principal
from armarium.faces.http.errors import Edge, MethodNotAllowed
from armarium.faces.http.idempotency import Once, key_of
from armarium.faces.http.parameters import BodyReader, Call, QueryReader, read_path_part

T = TypeVar("T")
Tell = Callable[[ArmariumError], Response]
Caller = Callable[[Scope], Awaitable[Principal]]

_encode = msgspec.json.encode
_PATH_PART = re.compile(r"{(\w+)(?::\w+)?}")


class Answer(Generic[T]):
    """What a handler returns when it decides about status or headers itself."""

    def __init__(self, value: T, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.value = value
        self.status = status
        self.headers = headers


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a door can be asked to do. Its name and summary are those of the handler and its docstring.

    status: of a success. fails: statuses this one may answer beyond those of every operation of its door.
    also: further successes, by status. takes, gives: media type of a body that is no JSON.
    creates: whether it honours `Idempotency-Key`.
    """

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    status: int = 200
    fails: tuple[int, ...] = ()
    also: Mapping[int, Any] = {}
    takes: str | None = None
    gives: str | None = None
    creates: bool = False


class Signature(NamedTuple):
    """What a handler takes and returns; None for what it does not ask for."""

    query: type | None
    body: type | None
    path_parts: dict[str, Any]
    returns: Any
    wants: frozenset[str]


def signature_of(operation: Operation) -> Signature:
    """Read a handler's signature."""
    hints = get_type_hints(operation.handler)
    names = [name for name in inspect.signature(operation.handler).parameters if name in hints]
    parts = {name: hints[name] for name in names if name not in ("who", "call", "query", "body")}
    return Signature(hints.get("query"), hints.get("body"), parts, hints.get("return"), frozenset(names))


class RestDoor:
    """The operations of one door, as routes.

    prefixes: what stands before every path; the first is the one that is documented.
    caller: says who sent a request. tell: an error in the words of the door.
    idempotency: remembers what operations that create were answered.
    """

    def __init__(
        self,
        operations: Sequence[Operation],
        *,
        caller: Caller,
        tell: Tell,
        max_body_bytes: int,
        prefixes: Sequence[str] = ("",),
        idempotency: Idempotency | None = None,
    ) -> None:
        self.operations = operations
        self.prefixes = prefixes
        self._caller = caller
        self._tell = tell
        self._max_body_bytes = max_body_bytes
        self._idempotency = idempotency

    def routes(self) -> list[BaseRoute]:
        """One route for each path, so that a method nobody offers is refused in the door's own words."""
        by_path: dict[str, dict[str, ASGIApp]] = {}
        for operation in self.operations:
            methods = by_path.setdefault(operation.path, {})
            methods[operation.method] = _Bound(operation, self._caller, self._max_body_bytes, self._once(operation))
        resources = [(path, Edge(_Resource(methods), self._tell)) for path, methods in by_path.items()]
        return [Route(prefix + path, resource) for prefix in self.prefixes for path, resource in resources]

    def _once(self, operation: Operation) -> Once | None:
        if self._idempotency is None or not operation.creates:
            return None
        limit = None if operation.takes else self._max_body_bytes
        path = _PATH_PART.sub(r"{\1}", operation.path)
        name = f"{operation.method} {self.prefixes[0]}{path}"
        return Once(self._idempotency, name, self._tell, max_body_bytes=limit)


class _Resource:
    """One path, and what each method does there."""

    def __init__(self, methods: dict[str, ASGIApp]) -> None:
        self._methods = methods
        if "GET" in methods:
            methods.setdefault("HEAD", methods["GET"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._methods.get(scope["method"])
        if handler is None:
            raise MethodNotAllowed(sorted(self._methods))
        await handler(scope, receive, send)


class _Bound:
    """An operation that reads its arguments from the request and sends what its handler returns."""

    def __init__(self, operation: Operation, caller: Caller, max_body_bytes: int, once: Once | None) -> None:
        signature = signature_of(operation)
        self._operation = operation
        self._caller = caller
        self._once = once
        self._wants = signature.wants
        self._path_parts = signature.path_parts
        self._query = QueryReader(signature.query) if signature.query else None
        self._body = BodyReader(signature.body, max_body_bytes) if signature.body else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = await self._caller(scope) if "who" in self._wants else None
        key = key_of(scope["headers"]) if self._once is not None else None
        if self._once is None or key is None or who is None:
            await self._answer(who, scope, receive, send)
        else:
            await self._once(partial(self._answer, who), key, who, scope, receive, send)

    async def _answer(self, who: Principal | None, scope: Scope, receive: Receive, send: Send) -> None:
        arguments = await self._arguments(who, scope, receive)
        result = await self._operation.handler(**arguments)
        await self._reply(result)(scope, receive, send)

    async def _arguments(self, who: Principal | None, scope: Scope, receive: Receive) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        if "who" in self._wants:
            arguments["who"] = who
        if "call" in self._wants:
            arguments["call"] = Call(scope, receive)
        for name, kind in self._path_parts.items():
            arguments[name] = read_path_part(name, scope["path_params"][name], kind)
        if self._query:
            arguments["query"] = self._query(scope["query_string"])
        if self._body:
            arguments["body"] = await self._body(receive)
        return arguments

    def _reply(self, result: Any) -> ASGIApp:
        if callable(result):
            return result  # type: ignore[no-any-return]
        status, headers = self._operation.status, None
        if isinstance(result, Answer):
            status, headers, result = result.status or status, result.headers, result.value
        if result is None:
            return Response(status_code=status, headers=headers)
        return Response(_encode(result), status_code=status, headers=headers, media_type="application/json")
