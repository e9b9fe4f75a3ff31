"""Collections in collections: made, changed, removed with the rights of the one they are in."""

from collections.abc import Mapping
from typing import Any

from armarium.core.artifacts import Artifacts
from armarium.core.permissions import access_of, require, require_role, rules_of
from armarium.core.search import IS_COLLECTION, Search
from armarium.core.versions import Changes, Versions
from armarium.domain.account import Workspace
from armarium.domain.artifact import Artifact, Found, View
from armarium.domain.principal import Action, Principal, Role
from armarium.domain.query import Query

_ALL = 1_000_000


class Collections:
    """Use cases around root collections and the collections in them."""

    def __init__(self, search: Search, artifacts: Artifacts, versions: Versions) -> None:
        self._search = search
        self._artifacts = artifacts
        self._versions = versions

    async def create_root(
        self, principal: Principal, workspace: Workspace, manifest: Mapping[str, Any], *, id: str | None = None
    ) -> View:
        """Add a root collection, which takes an admin of the workspace; id: as in `Artifacts.create`.

        Raises Forbidden, Invalid.
        """
        require_role(principal, Role.ADMIN, workspace.name, workspace.membership, to="create a root collection")
        return await self._artifacts.create(
            principal, manifest=manifest, workspace=workspace.name, type="collection", id=id
        )

    async def list_roots(self, principal: Principal, workspace: str) -> list[Artifact]:
        """All root collections of a workspace the caller may see, oldest first."""
        query = Query(roots_only=True, where=IS_COLLECTION, limit=_ALL, wants_next=False)
        return [view.artifact for view in (await self._search.workspace(principal, workspace, query)).views]

    async def create_in(
        self, principal: Principal, parent: Found, manifest: Mapping[str, Any], *, id: str | None = None
    ) -> View:
        """Add a collection that grants what its parent grants; id: as in `Artifacts.create`.

        Raises NotFound, Forbidden, Invalid.
        """
        return await self._artifacts.create(
            principal,
            manifest=manifest,
            parent=parent.artifact.id,
            type="collection",
            config=inherited(parent),
            id=id,
        )

    async def amend_root(self, principal: Principal, root: Found, manifest: Mapping[str, Any]) -> View:
        """Change a root collection, which takes the right to delete it. Raises Forbidden, Invalid."""
        require(principal, Action.DELETE, access_of(root))
        return await self._versions.amend(principal, root.artifact.id, Changes(manifest=manifest))


def inherited(parent: Found) -> dict[str, Any]:
    """The config of something new below a parent: whoever was granted something there is granted it here."""
    return {"permissions": rules_of(parent.artifact.config).permissions}
