"""Users and their tokens: who may make, see and end them."""

import secrets
from collections.abc import Callable
from datetime import timedelta

import msgspec

from armarium.core.workspaces import Workspaces, add_user, require_site_admin
from armarium.domain import token_text
from armarium.domain.account import ADMIN_ROLE, DISABLED_ROLE, Token, User, checked_user_id
from armarium.domain.errors import AlreadyExists, Forbidden, Invalid, NotFound
from armarium.domain.identifiers import ArtifactId, ById, is_uuid
from armarium.domain.principal import ROOT, Action, Principal, Role, home_workspace
from armarium.ports.catalog import Catalog, Event, Transaction
from armarium.ports.clock import Clock

ADMIN_ID = "admin"
LONGEST_LIFE = timedelta(days=3653)
MAX_SCOPES = 100

_OPERATIONS = frozenset(Action)
_ROLE_WORDS = ("ws:", "wid:", "cid:")


class IssuedToken(msgspec.Struct, frozen=True):
    """A new token. text: what its holder presents; nobody can be told it again."""

    token: Token
    text: str

    def __repr__(self) -> str:
        return f"IssuedToken(token={self.token!r})"


class Accounts:
    """Use cases around users and tokens. workspaces: those around workspaces."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []
        self.workspaces = Workspaces(catalog, clock)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call back after any change to what a credential is worth."""
        self._listeners.append(listener)

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

    # the first start
    async def bootstrap(self) -> str | None:
        """On the first start of all, make the user `admin` with every right and return a token; else None."""
        await self.workspaces.prepare()
        now = self._clock.now()
        async with self._catalog.transaction() as tx:
            others = [user for user in await tx.list_users(limit=2) if user.id != ROOT.id]
            if others or not await add_user(tx, User(id=ADMIN_ID, roles=(ADMIN_ROLE,), created_at=now)):
                return None
            issued = self._new_token(Token(id=self._clock.new_id(), digest=b"", user_id=ADMIN_ID, label="first start"))
            await tx.insert_token(issued.token)
            await self._tell(tx, ROOT, home_workspace(ADMIN_ID), "create_user", ADMIN_ID)
        return issued.text

    # users
    async def create_user(
        self, principal: Principal, user_id: str, *, email: str | None = None, admin: bool = False
    ) -> User:
        """Add a user with a home workspace. Raises Forbidden, Invalid, AlreadyExists."""
        require_site_admin(principal, "create_user")
        user = self._new_user(user_id, email, (ADMIN_ROLE,) if admin else ())
        async with self._catalog.transaction() as tx:
            if not await add_user(tx, user):
                raise AlreadyExists("user", user_id)
            await self._tell(tx, principal, home_workspace(user_id), "create_user", user_id)
        return user

    async def ensure_home(self, user_id: str, *, email: str | None = None) -> User:
        """Return a user someone trusted vouches for, who comes into being on first use."""
        known = await self._catalog.find_user(user_id)
        if known is not None:
            return known
        user = self._new_user(user_id, email, ())
        async with self._catalog.transaction() as tx:
            if await add_user(tx, user):
                await self._tell(tx, ROOT, home_workspace(user_id), "create_user", user_id)
            return await tx.find_user(user_id) or user

    def _new_user(self, user_id: str, email: str | None, roles: tuple[str, ...]) -> User:
        return User(id=checked_user_id(user_id), email=email, roles=roles, created_at=self._clock.now())

    async def list_users(self, principal: Principal, *, offset: int = 0, limit: int = 256) -> list[User]:
        """All users, by id. Raises Forbidden."""
        require_site_admin(principal, "list_users")
        return await self._catalog.list_users(offset=offset, limit=limit)

    async def disable_user(self, principal: Principal, user_id: str, *, disabled: bool = True) -> User:
        """Make every credential of a user worthless, or good again. Raises Forbidden, NotFound, Invalid."""
        require_site_admin(principal, "disable_user")
        if user_id in (ROOT.id, principal.effective_id):
            raise Invalid("user", "You cannot disable yourself or the operator.")
        async with self._catalog.transaction() as tx:
            user = await tx.find_user(user_id)
            if user is None:
                raise NotFound("user", user_id)
            kept = tuple(role for role in user.roles if role != DISABLED_ROLE)
            user = msgspec.structs.replace(user, roles=(*kept, DISABLED_ROLE) if disabled else kept)
            await tx.update_user(user)
            action = "disable_user" if disabled else "enable_user"
            await self._tell(tx, principal, home_workspace(user_id), action, user_id)
        self._changed()
        return user

    # tokens
    async def issue_token(
        self,
        principal: Principal,
        user_id: str,
        *,
        workspace: str | None = None,
        role: Role = Role.ADMIN,
        scopes: tuple[str, ...] = (),
        expires_in: timedelta | None = None,
        label: str = "",
    ) -> IssuedToken:
        """Make a token for a user: the user does so for themselves when logged in, an operator for anybody.

        workspace: where alone it is good. role: at most this, wherever it is good.
        scopes: single operations, `<operation>:<artifact>:<path>`, which are then all it is good for.
        expires_in: None for a token without end, unless the caller's own credential ends and may not be outlived.
        Raises Forbidden, Invalid, NotFound (user, workspace, artifact of a scope).
        """
        self._require_self(principal, user_id, "issue_token")
        if await self._catalog.find_user(user_id) is None:
            raise NotFound("user", user_id)
        if workspace is not None:
            await self.workspaces.require(principal, workspace, Role.READ, "issue_token")
        await self.check_scopes(principal, scopes)
        issued = self._new_token(
            Token(
                id=self._clock.new_id(),
                digest=b"",
                user_id=user_id,
                label=label,
                workspace=workspace,
                role=role,
                scopes=scopes,
                expires_at=end_of_life(principal, expires_in, self._clock.now()),
            )
        )
        async with self._catalog.transaction() as tx:
            await tx.insert_token(issued.token)
            await self._tell(tx, principal, workspace or home_workspace(user_id), "issue_token", issued.token.id)
        return issued

    def _new_token(self, draft: Token) -> IssuedToken:
        text = token_text.spell(secrets.token_bytes(token_text.SECRET_BYTES))
        token = msgspec.structs.replace(draft, digest=token_text.digest(text), created_at=self._clock.now())
        return IssuedToken(token, text)

    async def check_scopes(
        self, principal: Principal, scopes: tuple[str, ...], *, workspace: str | None = None
    ) -> None:
        """Refuse scopes the caller may not hand out: each names an artifact where the caller is an admin.

        workspace: where alone, when given. Raises Invalid, Forbidden, NotFound.
        """
        if len(scopes) > MAX_SCOPES:
            raise Invalid("scopes", f"A token has at most {MAX_SCOPES} scopes.")
        for scope in scopes:
            place = await self._workspace_of(_checked_scope(scope))
            if place is None:
                continue
            if workspace not in (None, place):
                raise Forbidden(
                    "generate_token", f"The scope is outside workspace '{workspace}': no permission for it."
                )
            await self.workspaces.require(principal, place, Role.ADMIN, "generate_token")

    async def _workspace_of(self, scope: str) -> str | None:
        """The workspace a scope reaches into; None for a word that allows nothing."""
        operation, _, rest = scope.partition(":")
        artifact = rest.rpartition(":")[0]
        if operation not in _OPERATIONS:
            return None
        if not is_uuid(artifact):
            return artifact.partition("/")[0] if "/" in artifact else None
        found = await self._catalog.find_artifact(ById(ArtifactId(artifact)))
        if found is None:
            raise NotFound("artifact", artifact)
        return found.artifact.workspace

    async def list_tokens(self, principal: Principal, user_id: str) -> list[Token]:
        """A user's opaque tokens that are not revoked, newest first. Raises Forbidden, NotFound."""
        self._require_self(principal, user_id, "list_tokens")
        if await self._catalog.find_user(user_id) is None:
            raise NotFound("user", user_id)
        return await self._catalog.list_tokens(user_id)

    async def revoke(self, principal: Principal, token_id: str) -> None:
        """End an opaque token, and whatever was generated from it. Raises NotFound, Forbidden."""
        await self._revoke(principal, token_id, await self._catalog.find_token_by_id(token_id))

    async def revoke_text(self, principal: Principal, text: str) -> None:
        """The same for a token as its holder has it."""
        await self._revoke(principal, "", await self._catalog.find_token(token_text.digest(text)))

    async def _revoke(self, principal: Principal, token_id: str, token: Token | None) -> None:
        if token is None:
            raise NotFound("token", token_id, None if token_id else "The token does not exist.")
        await self.revoke_credential(
            principal, token.id, owner=token.user_id, workspace=token.workspace, expires_at=token.expires_at
        )

    async def revoke_credential(
        self, principal: Principal, token_id: str, *, owner: str, workspace: str | None, expires_at: float | None
    ) -> None:
        """End any token by its id, and whatever was generated from it.

        Its owner may when logged in, its holder, an admin of the workspace it is bound to, and an operator.
        Raises Forbidden.
        """
        is_own = (principal.effective_id == owner and principal.uses_memberships) or token_id in principal.token_ids[:1]
        if not is_own and (workspace is None or await self.workspaces.role(principal, workspace) is not Role.ADMIN):
            require_site_admin(principal, "revoke_token")
        async with self._catalog.transaction() as tx:
            await tx.revoke_token(token_id, expires_at=expires_at)
            await self._tell(tx, principal, workspace or home_workspace(owner), "revoke_token", token_id)
        self._changed()

    def _require_self(self, principal: Principal, user_id: str, action: str) -> None:
        """Let operators pass, and users with an unrestricted credential of their own."""
        is_self = principal.id == user_id and principal.uses_memberships
        if not is_self or principal.is_limited:
            require_site_admin(principal, action)

    async def _tell(self, tx: Transaction, principal: Principal, workspace: str, action: str, detail: str) -> None:
        at = self._clock.now()
        event = Event(at=at, workspace=workspace, actor=principal.effective_id, action=action, detail=detail)
        await tx.add_event(event)


def end_of_life(principal: Principal, expires_in: timedelta | None, now: float) -> float | None:
    """When a new token ends: as wanted, but never after a parent that may not be outlived.

    Someone who logged in elsewhere may make a token that lasts; a token never makes one that outlasts itself.
    """
    if expires_in is not None and not timedelta(0) < expires_in <= LONGEST_LIFE:
        raise Invalid("expires_in", "A token lives more than no time and at most ten years.")
    wanted = None if expires_in is None else now + expires_in.total_seconds()
    if principal.may_outlive or principal.expires_at is None:
        return wanted
    return principal.expires_at if wanted is None else min(wanted, principal.expires_at)


def _checked_scope(scope: str) -> str:
    """Return a scope that cannot be mistaken for another part of a credential."""
    if not scope or len(scope) > 2048 or not scope.isprintable() or any(mark.isspace() for mark in scope):
        raise Invalid("scopes", f"Invalid scope {scope[:100]!r}: use printable characters without spaces.")
    if scope.startswith(_ROLE_WORDS):
        raise Invalid("scopes", f"Invalid scope {scope[:100]!r}: workspaces and clients are not named by extra scopes.")
    return scope
