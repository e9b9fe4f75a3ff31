"""Where something stands in the tree, for doors whose paths name each level:

    workspace -> root collection -> collection -> artifact

Each level is verified against the one above it. A root collection may also stand where a collection is expected: then
it means what lies directly in it.
"""

import msgspec

from armarium.core.permissions import access_of, allows, child_access, require, rules_of
from armarium.domain.account import Workspace
from armarium.domain.artifact import Found
from armarium.domain.errors import Forbidden, NotFound
from armarium.domain.identifiers import ArtifactId, ById, workspace_uuid
from armarium.domain.principal import Action, Principal, Role
from armarium.ports.catalog import Catalog


class Tree:
    """Finds by UUID. Who has no role in a workspace is refused before being told what it lacks."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def workspace(self, principal: Principal, uuid: str, role: Role | None = Role.READ) -> Workspace:
        """Find a workspace, with the caller's role in it; role: what it must be at least, None for any or none.

        Raises NotFound, Forbidden.
        """
        found = await self._catalog.find_workspace_by_uuid(uuid, viewer=principal.effective_id)
        if found is None:
            raise NotFound("workspace", uuid)
        held = None if principal.is_limited else principal.role_in(found.name, found.membership)
        if role is not None and (held is None or held < role):
            raise Forbidden("get_workspace_info", f"User does not have permission in workspace '{found.name}'.")
        return msgspec.structs.replace(found, membership=held)

    async def root(
        self, principal: Principal, workspace: str, root: str, action: Action, *, count_children: bool = False
    ) -> Found:
        """Find a root collection of a workspace the caller may do something to. Raises NotFound, Forbidden."""
        found = await self._find(principal, root, count_children=count_children)
        if found is None or not _is_root(found, workspace):
            raise await self._missing(principal, workspace, "root collection", root)
        require(principal, action, access_of(found))
        return found

    async def collection(
        self,
        principal: Principal,
        workspace: str,
        root: str,
        collection: str,
        action: Action,
        *,
        count_children: bool = False,
    ) -> Found:
        """Find a collection of a root collection. Raises NotFound, Forbidden."""
        found = await self._find(principal, collection, count_children=count_children)
        if found is None or not (_is_in(found, workspace, root) or (collection == root and _is_root(found, workspace))):
            await self.root(principal, workspace, root, Action.READ)
            raise NotFound("collection", collection)
        require(principal, action, access_of(found))
        return found

    async def artifact(self, principal: Principal, parent: Found, artifact: str, action: Action) -> Found:
        """Find an artifact of a collection; one never committed is there for who may add drafts to it alone.

        Raises NotFound, Forbidden.
        """
        found = await self._find(principal, artifact)
        if found is None or found.artifact.parent_id != parent.artifact.id or not _is_shown(principal, parent, found):
            raise NotFound("artifact", artifact)
        require(principal, action, access_of(found))
        return found

    async def _find(self, principal: Principal, id: str, *, count_children: bool = False) -> Found | None:
        ref = ById(ArtifactId(id))
        return await self._catalog.find_artifact(ref, viewer=principal.effective_id, count_children=count_children)

    async def _missing(self, principal: Principal, workspace: str, kind: str, id: str) -> NotFound:
        """What to raise for something missing, once the caller is known to belong here."""
        await self.workspace(principal, workspace)
        return NotFound(kind, id)


def sees_drafts(principal: Principal, collection: Found) -> bool:
    """Whether someone is shown what was never committed in a collection."""
    return allows(principal, Action.DRAFT, access_of(collection))


def _is_shown(principal: Principal, parent: Found, found: Found) -> bool:
    if found.artifact.versions:
        return True
    return sees_drafts(principal, parent) or allows(principal, Action.EDIT, child_access(parent, found.artifact))


def _is_root(found: Found, workspace: str) -> bool:
    artifact = found.artifact
    is_here = workspace_uuid(artifact.workspace) == workspace and artifact.parent_id is None
    return is_here and rules_of(artifact.config).is_collection


def _is_in(found: Found, workspace: str, root: str) -> bool:
    artifact = found.artifact
    is_here = workspace_uuid(artifact.workspace) == workspace and artifact.parent_id == root
    return is_here and rules_of(artifact.config).is_collection
