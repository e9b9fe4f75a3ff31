"""Services: named functions with what a client is told about them."""

import inspect
import types
import typing
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple

import msgspec

from armarium.domain.errors import Invalid
from armarium.faces.hypha.errors import BadCallError

AsyncFunction = Callable[..., Coroutine[Any, Any, Any]]

_JSON_TYPES: Mapping[Any, str] = {
    str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object", type(None): "null",
}  # fmt: skip


class _Kind(NamedTuple):
    """A JSON type: what arrives as it, and what a person calls it."""

    types: type | tuple[type, ...]
    words: str


_KINDS: Mapping[str, _Kind] = {
    "string": _Kind(str, "a string"),
    "integer": _Kind(int, "a whole number"),
    "number": _Kind((int, float), "a number"),
    "array": _Kind((list, tuple), "a list"),
    "object": _Kind(dict, "an object"),
    "null": _Kind(type(None), "null"),
}


class Function(msgspec.Struct, frozen=True):
    """One function of a service.

    call: async; its first argument is the caller's Session, or the connection itself if `needs_connection`.
    """

    name: str
    call: AsyncFunction
    signature: inspect.Signature
    schema: dict[str, Any]
    needs_connection: bool = False

    def start(self, caller: Any, args: list[Any], kwargs: dict[str, Any]) -> Coroutine[Any, Any, Any]:
        """Begin a call. Raises BadCallError for arguments the function does not have, Invalid for a wrong type."""
        if "context" in kwargs and "context" not in self.signature.parameters:
            # The caller's context is known from the connection; what a client claims about itself is dropped.
            kwargs = {key: value for key, value in kwargs.items() if key != "context"}
        known = self.schema["parameters"]["properties"]
        args[: len(known)] = [_checked(name, value, known) for name, value in zip(known, args, strict=False)]
        kwargs = {name: _checked(name, value, known) for name, value in kwargs.items()}
        try:
            return self.call(caller, *args, **kwargs)
        except TypeError as exc:
            raise self._bad_call(caller, args, kwargs, exc) from exc

    def _bad_call(self, caller: Any, args: list[Any], kwargs: dict[str, Any], exc: TypeError) -> BadCallError:
        try:
            self.signature.bind(caller, *args, **kwargs)
        except TypeError as reason:
            return BadCallError(f"{self.name}() {reason}")
        return BadCallError(f"{self.name}() {exc}")


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What a client fetches and calls.

    functions: a dotted name is a function of a nested map.
    """

    id: str
    name: str
    description: str = ""
    type: str = "generic"
    docs: str | None = None
    visibility: str = "public"
    functions: dict[str, Function]

    def info(self, address: str) -> dict[str, Any]:
        """Describe the service without its functions; address: `<workspace>/<client id>` of whoever offers it."""
        return {
            "id": f"{address}:{self.id}",
            "name": self.name,
            "type": self.type,
            "description": self.description,
            "docs": self.docs,
            "app_id": None,
            "service_schema": None,
            "config": {
                "visibility": self.visibility,
                "require_context": True,
                "workspace": address.partition("/")[0],
                "flags": [],
                "singleton": False,
                "api_version": 3,
            },
        }

    def describe(self, address: str, base_url: str) -> dict[str, Any]:
        """Describe the service with a descriptor per function, ready for the wire."""
        described = self.info(address)
        for path, function in self.functions.items():
            *parents, leaf = path.split(".")
            place = described
            for parent in parents:
                place = place.setdefault(parent, {})
            place[leaf] = self._descriptor(path, function, address, base_url)
        return described

    def _descriptor(self, path: str, function: Function, address: str, base_url: str) -> dict[str, Any]:
        return {
            "_rtype": "method",
            "_rserver": base_url,
            "_rtarget": address,
            "_rmethod": f"services.{self.id}.{path}",
            "_rpromise": "*",
            "_rname": function.name,
            "_rasync": True,
            "_rdoc": function.schema["description"],
            "_rschema": function.schema,
        }


def _checked(name: str, value: Any, properties: Mapping[str, Any]) -> Any:
    """Return an argument if its parameter takes its type; null stands for the default. Raises Invalid.

    Flags take anything, since clients write them in many ways.
    """
    declared = properties.get(name, {})
    kinds = declared.get("type", "boolean")
    if "boolean" in kinds:
        return value
    if value is None and "default" in declared:
        return declared["default"]
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, bool) or not any(isinstance(value, _KINDS[kind].types) for kind in kinds):
        raise Invalid(name, f"Invalid {name}: it must be {' or '.join(_KINDS[kind].words for kind in kinds)}.")
    return value


def connection_function(call: AsyncFunction) -> AsyncFunction:
    """Mark a function that works on the connection itself, and so cannot be called over plain HTTP."""
    call.needs_connection = True  # type: ignore[attr-defined]
    return call


def function(name: str, call: AsyncFunction) -> Function:
    """Wrap an async function for a service; its signature says what it accepts."""
    leaf = name.rpartition(".")[2]
    signature = inspect.signature(call)
    needs_connection = getattr(call, "needs_connection", False)
    return Function(leaf, call, signature, _schema(leaf, call, signature), needs_connection)


def functions(calls: Mapping[str, AsyncFunction]) -> dict[str, Function]:
    return {name: function(name, call) for name, call in calls.items()}


def _schema(name: str, call: AsyncFunction, signature: inspect.Signature) -> dict[str, Any]:
    parameters = list(signature.parameters.values())[1:]
    named = [item for item in parameters if item.kind in {item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY}]
    hints = typing.get_type_hints(call)
    return {
        "name": name,
        "description": (inspect.getdoc(call) or "").partition("\n")[0],
        "parameters": {
            "type": "object",
            "properties": {item.name: _property(hints.get(item.name, Any), item) for item in named},
            "required": [item.name for item in named if item.default is item.empty],
        },
    }


def _property(hint: Any, parameter: inspect.Parameter) -> dict[str, Any]:
    kinds = list(dict.fromkeys(_json_types(hint)))
    described: dict[str, Any] = {}
    if kinds:
        described["type"] = kinds[0] if len(kinds) == 1 else kinds
    if parameter.default is not parameter.empty and isinstance(parameter.default, str | int | float | bool | None):
        described["default"] = parameter.default
    return described


def _json_types(hint: Any) -> list[str]:
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        inner = [_json_types(part) for part in typing.get_args(hint)]
        return [kind for kinds in inner for kind in kinds] if all(inner) else []
    kind = _JSON_TYPES.get(typing.get_origin(hint) or hint)
    return [kind] if kind else []
