"""Spaces: root collections as a door sees that knows nothing but them and what lies directly in them.

Whoever may not read a space is told that it is not there, so that ids cannot be probed.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from armarium.core.artifacts import Artifacts
from armarium.core.permissions import access_of, allows, require, rules_of
from armarium.core.publishing import audit, publish
from armarium.core.search import Search
from armarium.core.values import checked_values
from armarium.domain.artifact import Artifact, Found
from armarium.domain.errors import Conflict, NotFound
from armarium.domain.identifiers import ArtifactId, ById
from armarium.domain.principal import Action, Principal
from armarium.domain.query import Cursor, Equals, Field, Order, Query
from armarium.ports.catalog import Catalog, Page, Reader
from armarium.ports.clock import Clock

IS_COLLECTION = Equals(Field("config", "is_collection"), True)
NEWEST_FIRST = Order(Field("artifact", "id"), descending=True)
_BATCH = 500


class Spaces:
    """Use cases around spaces; the caller's are those of their workspace."""

    def __init__(self, catalog: Catalog, clock: Clock, artifacts: Artifacts, search: Search) -> None:
        self._catalog = catalog
        self._clock = clock
        self._artifacts = artifacts
        self._search = search

    async def create(self, principal: Principal, manifest: Mapping[str, Any], *, id: str | None = None) -> Artifact:
        """Add a space; id: None for a fresh one. Raises Forbidden, Invalid."""
        view = await self._artifacts.create(principal, manifest=manifest, type="collection", id=id)
        return view.artifact

    async def page(self, principal: Principal, *, after: Cursor | None = None, limit: int) -> Page:
        """A page of the caller's spaces, newest first."""
        query = Query(roots_only=True, where=IS_COLLECTION, order=NEWEST_FIRST, after=after, limit=limit)
        listing = await self._search.workspace(principal, principal.workspace, query)
        return Page([view.artifact for view in listing.views], listing.next)

    async def all(self, principal: Principal) -> AsyncIterator[Artifact]:
        """Every space of the caller, newest first."""
        page = await self.page(principal, limit=_BATCH)
        while True:
            for artifact in page.artifacts:
                yield artifact
            if page.next is None:
                return
            page = await self.page(principal, after=page.next, limit=_BATCH)

    async def find(self, principal: Principal, space_id: str, *, reader: Reader | None = None) -> Found:
        """Return a space the caller may read, with the number of its children. Raises NotFound."""
        ref = ById(ArtifactId(space_id))
        found = await (reader or self._catalog).find_artifact(ref, viewer=principal.effective_id, count_children=True)
        if found is None or not is_space(found.artifact) or not allows(principal, Action.READ, access_of(found)):
            raise NotFound("space", space_id)
        return found

    async def counts(self, spaces: list[Artifact]) -> dict[ArtifactId, int]:
        """How many artifacts each space holds."""
        return await self._catalog.child_counts([space.id for space in spaces])

    async def update(self, principal: Principal, space_id: str, changes: Mapping[str, Any]) -> Found:
        """Replace fields of the manifest, of those below another field each alone; None removes one.

        Raises NotFound, Forbidden, Invalid.
        """
        async with self._catalog.transaction() as tx:
            found = await self.find(principal, space_id, reader=tx)
            artifact = found.artifact
            for action in (Action.EDIT, Action.COMMIT):
                require(principal, action, access_of(found))
            manifest = merged(msgspec.json.decode(artifact.manifest), changes)
            values = checked_values(manifest, msgspec.json.decode(artifact.config), artifact.type)
            now = self._clock.now()
            if artifact.versions:
                latest = artifact.versions[-1].id
                await tx.update_version(latest, manifest=values.manifest, type=values.type, now=now)
            await publish(tx, artifact, values, now=now)
            await audit(tx, self._clock, principal, artifact, "edit")
            return await self.find(principal, space_id, reader=tx)

    async def delete(self, principal: Principal, space_id: str, *, force: bool) -> None:
        """Remove a space; force: with all that is in it. Raises NotFound, Forbidden, Conflict when it is not empty."""
        found = await self.find(principal, space_id)
        if found.child_count and not force:
            raise Conflict(f"The space holds {found.child_count} artifacts: delete them first, or use force.")
        await self._artifacts.delete(principal, space_id, recursive=True)

    async def find_in(
        self, principal: Principal, space_id: str, artifact_id: str, *, reader: Reader | None = None
    ) -> Found:
        """Return an artifact that lies in a space. Raises NotFound, for the space or the artifact."""
        reader = reader or self._catalog
        found = await reader.find_artifact(ById(ArtifactId(artifact_id)), viewer=principal.effective_id)
        if found is None or found.artifact.parent_id != space_id:
            await self.find(principal, space_id, reader=reader)
            raise NotFound("artifact", artifact_id)
        if not allows(principal, Action.READ, access_of(found)):
            raise NotFound("artifact", artifact_id)
        return found


def is_space(artifact: Artifact) -> bool:
    return artifact.parent_id is None and rules_of(artifact.config).is_collection


def merged(manifest: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Apply changes as a JSON merge patch does (RFC 7396), one level of objects deep."""
    result = dict(manifest)
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            inner = {**(result.get(name) or {}), **value}
            result[name] = {key: item for key, item in inner.items() if item is not None}
        else:
            result[name] = value
    return result
