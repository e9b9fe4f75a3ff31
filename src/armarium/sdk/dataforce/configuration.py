"""Which organization, orbit and collection a client works in when a call names none."""

import inspect
from collections.abc import Callable, Generator, Sequence
from functools import wraps
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, cast

from armarium.sdk.dataforce.api import ORGANIZATIONS, Api, as_id, part
from armarium.sdk.dataforce.errors import (
    CollectionResourceNotFoundError,
    ConfigurationError,
    OrbitResourceNotFoundError,
    OrganizationResourceNotFoundError,
    ResourceNotFoundError,
)
from armarium.sdk.dataforce.values import Collection, Orbit, Organization
from armarium.sdk.loop import run

P = ParamSpec("P")
R = TypeVar("R")

Level = Literal["organization", "orbit", "collection"]


class _Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


class Configuration:
    """The defaults, as ids. They may be assigned freely: the server judges them when they are used."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.organization: str | None = None
        self.orbit: str | None = None
        self.collection: str | None = None
        self._setup: Setup | None = None

    def begin(self, organization: str | None, orbit: str | None, collection: str | None) -> "Setup":
        """Take ids at once; awaiting the answer checks them, finds names, and fills what leaves no choice."""
        self.organization = as_id(organization or "")
        self.orbit = as_id(orbit or "")
        self.collection = as_id(collection or "")
        self._setup = Setup(self, organization, orbit, collection)
        return self._setup

    def assign(self, level: Level, id: str | None) -> None:
        """Set one default; a set-up that is under way is over."""
        setattr(self, level, id)
        self._setup = None

    async def choose(self, organization: str | None, orbit: str | None, collection: str | None) -> None:
        """Set all three defaults, or raise and leave them as they are.

        A value is an id or an exact name. Where none is given, the only one there is becomes the default.
        """
        organizations = await self.organizations()
        chosen = _chosen(organizations, organization, OrganizationResourceNotFoundError)
        if chosen is None and (orbit is not None or collection is not None):
            level = "orbit" if orbit is not None else "collection"
            raise _out_of_order("organization", level, organizations)
        orbits = await self.orbits(chosen) if chosen is not None else []
        chosen_orbit = _chosen(orbits, orbit, OrbitResourceNotFoundError)
        if chosen_orbit is None and collection is not None:
            raise _out_of_order("orbit", "collection", orbits)
        collections = await self.collections(chosen, chosen_orbit) if chosen and chosen_orbit else []
        chosen_collection = _chosen(collections, collection, CollectionResourceNotFoundError)
        self.organization, self.orbit, self.collection = chosen, chosen_orbit, chosen_collection
        self._setup = None

    async def organizations(self) -> list[Organization]:
        return await self.api.get(ORGANIZATIONS, list[Organization])

    async def orbits(self, organization: str) -> list[Orbit]:
        return await self.api.get(f"/v1/organizations/{part(organization)}/orbits", list[Orbit])

    async def collections(self, organization: str, orbit: str) -> list[Collection]:
        path = f"/v1/organizations/{part(organization)}/orbits/{part(orbit)}/collections"
        return await self.api.list(path, Collection)

    async def organization_path(self) -> str:
        """The path of the default organization; raises ConfigurationError if there is none."""
        if self.organization is None:
            await self._finish_setup()
        if self.organization is None:
            raise ConfigurationError("organization", available=_texts(await self.organizations()))
        return f"/v1/organizations/{part(self.organization)}"

    async def orbit_path(self) -> str:
        path = await self.organization_path()
        if self.orbit is None:
            await self._finish_setup()
        if self.orbit is None:
            raise ConfigurationError("orbit", available=_texts(await self.orbits(self.organization or "")))
        return f"{path}/orbits/{part(self.orbit)}"

    async def collection_path(self, collection_id: str | None) -> str:
        """The path of a collection; raises ConfigurationError if a default it needs is missing."""
        return f"{await self.orbit_path()}/collections/{part(await self.collection_for(collection_id))}"

    def known_collection(self, collection_id: str | None) -> str | None:
        """The collection a call is about, if everything it needs is configured."""
        ready = self.organization is not None and self.orbit is not None
        return (collection_id or self.collection) if ready else None

    async def collection_for(self, collection_id: str | None) -> str:
        """The same, or a ConfigurationError that says what is missing and what there is."""
        await self.orbit_path()
        if collection_id is None and self.collection is None:
            await self._finish_setup()
        found = collection_id or self.collection
        if found is None:
            there = await self.collections(self.organization or "", self.orbit or "")
            raise ConfigurationError("collection", available=_texts(there))
        return found

    async def _finish_setup(self) -> None:
        """A set-up that nobody awaited is finished when something is missing."""
        if self._setup is not None:
            await self._setup


class Setup:
    """A configuration that is under way. Awaiting it is optional: what it needs to ask is asked in time."""

    def __init__(
        self, configuration: Configuration, organization: str | None, orbit: str | None, collection: str | None
    ) -> None:
        self._configuration = configuration
        self._values = (organization, orbit, collection)

    def __await__(self) -> Generator[Any, None, None]:
        return self._configuration.choose(*self._values).__await__()


def validate_collection(method: Callable[P, R]) -> Callable[P, R]:
    """Give a method its `collection_id`: the one of the call, or the default one.

    Raises ConfigurationError before the method runs if the organization, the orbit or the collection is missing;
    from a coroutine method when it is awaited.
    """
    signature = inspect.signature(method)

    def bound(arguments: Any, keywords: Any) -> tuple[inspect.BoundArguments, Configuration]:
        call = signature.bind_partial(*arguments, **keywords)
        return call, arguments[0].configuration

    @wraps(method)
    async def checked(*arguments: P.args, **keywords: P.kwargs) -> Any:
        call, configuration = bound(arguments, keywords)
        wanted = call.arguments.get("collection_id")
        call.arguments["collection_id"] = await configuration.collection_for(wanted)
        return await cast("Any", method)(*call.args, **call.kwargs)

    @wraps(method)
    def checked_at_once(*arguments: P.args, **keywords: P.kwargs) -> Any:
        call, configuration = bound(arguments, keywords)
        wanted = call.arguments.get("collection_id")
        known = configuration.known_collection(wanted)
        call.arguments["collection_id"] = known or run(configuration.collection_for(wanted))
        return method(*call.args, **call.kwargs)

    return cast("Callable[P, R]", checked if inspect.iscoroutinefunction(method) else checked_at_once)


def _chosen(there: Sequence[_Named], value: str | None, missing: type[ResourceNotFoundError]) -> str | None:
    """The id of what was named; without a name, of the only one there is."""
    if value is None:
        return there[0].id if len(there) == 1 else None
    uid = as_id(value)
    for one in there:
        if one.id == uid or (uid is None and one.name == value):
            return one.id
    raise missing(value, _texts(there))


def _out_of_order(first: str, second: str, there: Sequence[_Named]) -> ConfigurationError:
    return ConfigurationError(first, f"Default {first} must be set before setting default {second}.", _texts(there))


def _texts(there: Sequence[_Named]) -> list[str]:
    return [f"{one.name} ({one.id})" for one in there]
