"""Organizations, their orbits, and keys of one's own."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from armarium.core import Core
from armarium.core.buckets import own_bucket_id
from armarium.domain.account import Workspace
from armarium.domain.artifact import Artifact, Found
from armarium.domain.delivery import STATE
from armarium.domain.errors import Forbidden, NotFound
from armarium.domain.principal import Action, Principal, Role
from armarium.faces.dataforce import schemas as s
from armarium.faces.dataforce.mapping import TAGS, Record, orbit_fields, organization
from armarium.faces.http.parameters import Call

_AT_ONCE = 1000


class Organizations:
    """Workspaces, as organizations."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def list_organizations(self, who: Principal) -> list[s.Organization]:
        """The organizations the caller belongs to, by name."""
        workspaces: list[Workspace] = []
        while page := await self._core.accounts.workspaces.list(who, offset=len(workspaces), limit=_AT_ONCE):
            workspaces += page
        return [organization(workspace, who) for workspace in workspaces if workspace.persistent]

    async def create_organization(self, who: Principal, body: s.NewOrganization) -> s.Organization:
        """Add an organization; its name must be fit for a workspace."""
        return organization(await self._core.accounts.workspaces.create(who, body.name), who)

    async def find_organization(self, who: Principal, organization_id: UUID) -> s.Organization:
        """Describe an organization."""
        return organization(await self._core.tree.workspace(who, str(organization_id)), who)

    async def delete_organization(self, who: Principal, organization_id: UUID) -> None:
        """Remove an empty organization."""
        workspace = await self._core.tree.workspace(who, str(organization_id), Role.ADMIN)
        await self._core.accounts.workspaces.delete(who, workspace.name)

    async def create_api_key(self, who: Principal) -> s.ApiKey:
        """Make another key that is good for all its maker may do."""
        issued = await self._core.accounts.issue_token(who, who.effective_id, label="api key")
        return s.ApiKey(issued.text)


class Orbits:
    """Root collections, as orbits."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tree = core.tree

    async def list_orbits(self, who: Principal, organization_id: UUID) -> list[s.Orbit]:
        """The orbits of an organization the caller may see, oldest first."""
        workspace = await self._tree.workspace(who, str(organization_id), None)
        orbits = await self._core.collections.list_roots(who, workspace.name)
        if workspace.membership is None and not orbits:
            raise Forbidden(Action.LIST)
        return [s.Orbit(**fields) for fields in await self._fields(orbits)]

    async def create_orbit(self, who: Principal, organization_id: UUID, body: s.NewOrbit, call: Call) -> s.OrbitDetails:
        """Add an orbit to an organization."""
        workspace = await self._tree.workspace(who, str(organization_id))
        bucket = await self._bucket(workspace, body.bucket_secret_id)
        manifest = {"name": body.name, STATE: {"bucket_secret_id": bucket}}
        view = await self._core.collections.create_root(who, workspace, manifest, id=call.resource_id)
        return await self._details(view.artifact)

    async def find_orbit(self, who: Principal, organization_id: UUID, orbit_id: UUID) -> s.OrbitDetails:
        """Describe an orbit."""
        return await self._details((await self._find(who, organization_id, orbit_id, Action.READ)).artifact)

    async def update_orbit(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, body: s.OrbitChanges
    ) -> s.Orbit:
        """Rename an orbit or give it another bucket secret."""
        found = await self._find(who, organization_id, orbit_id, Action.DELETE)
        details: dict[str, Any] = {}
        if body.bucket_secret_id is not None:
            workspace = await self._tree.workspace(who, str(organization_id), None)
            details["bucket_secret_id"] = await self._bucket(workspace, body.bucket_secret_id)
        manifest = Record(found.artifact).changed(s.given(name=body.name), **details)
        view = await self._core.collections.amend_root(who, found, manifest)
        return s.Orbit(**(await self._fields([view.artifact]))[0])

    async def delete_orbit(self, who: Principal, organization_id: UUID, orbit_id: UUID) -> None:
        """Remove an orbit with everything in it."""
        found = await self._find(who, organization_id, orbit_id, Action.DELETE)
        await self._core.artifacts.delete(who, found.artifact.id, recursive=True)

    async def _find(self, who: Principal, organization_id: UUID, orbit_id: UUID, action: Action) -> Found:
        return await self._tree.root(who, str(organization_id), str(orbit_id), action)

    async def _bucket(self, workspace: Workspace, bucket_id: UUID) -> str:
        wanted = str(bucket_id)
        is_own = wanted == own_bucket_id(workspace.name)
        if not is_own and await self._core.catalog.find_bucket(workspace.name, wanted) is None:
            raise NotFound("bucket", wanted)
        return wanted

    async def _details(self, artifact: Artifact) -> s.OrbitDetails:
        tags = await self._core.catalog.child_values(artifact.id, TAGS)
        return s.OrbitDetails(**(await self._fields([artifact]))[0], collections_tags=tags)

    async def _fields(self, artifacts: Sequence[Artifact]) -> list[dict[str, Any]]:
        """What orbits of one organization are described by."""
        if not artifacts:
            return []
        counts = await self._core.catalog.family_counts([artifact.id for artifact in artifacts])
        members = len(await self._core.catalog.list_members(artifacts[0].workspace))
        return [orbit_fields(artifact, counts.get(artifact.id, (0, 0)), members) for artifact in artifacts]
