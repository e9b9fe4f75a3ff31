"""Signed tokens made from a credential: for others to act on its holder's behalf, and for coming back."""

from datetime import timedelta

import msgspec

from armarium.auth import jwt
from armarium.auth.names import readable_id
from armarium.auth.scope import Scope
from armarium.core.accounts import Accounts, end_of_life
from armarium.domain.account import ADMIN_ROLE
from armarium.domain.errors import Forbidden
from armarium.domain.identifiers import checked_workspace
from armarium.domain.principal import ANYONE, Principal, Role
from armarium.ports.clock import Clock

RECONNECTION_LIFE = timedelta(days=2)


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a generated token shall be. workspace: None for the current one.

    client_id: the only client it is good for. email: another than the holder's takes an operator.
    """

    workspace: str | None = None
    role: Role = Role.READ_WRITE
    expires_in: timedelta = timedelta(hours=1)
    client_id: str | None = None
    extra_scopes: tuple[str, ...] = ()
    email: str | None = None


class TokenMaker:
    """Signs tokens that never reach further than the credential they are made from."""

    def __init__(self, accounts: Accounts, clock: Clock, *, jwt_key: bytes) -> None:
        self._accounts = accounts
        self._clock = clock
        self._jwt_key = jwt_key

    async def generate(self, principal: Principal, workspace: str, request: TokenRequest) -> str:
        """Sign a token for someone else to act in a workspace on the caller's behalf.

        workspace: the current one. The token is an identity of its own, with the caller's user as parent.
        It takes an admin of the workspace, and ends no later than a credential that was itself generated.
        Raises Forbidden, Invalid, NotFound (the artifact of a scope).
        """
        target = request.workspace or workspace
        await self._require_admin(principal, target)
        await self._accounts.check_scopes(principal, request.extra_scopes, workspace=target)
        if request.email not in (None, principal.email) and not principal.is_site_admin:
            raise Forbidden("generate_token", "User does not have permission to give a token someone else's e-mail.")
        claims = jwt.Claims(
            subject=readable_id(),
            expires_at=self._end(principal, request.expires_in),
            token_id=self._clock.new_id(),
            scope=Scope(
                grants={target: request.role},
                current_workspace=None if target == ANYONE else target,
                client_id=principal.client_id or request.client_id or None,
                extra=request.extra_scopes,
            ),
            roles=tuple(role for role in principal.roles if role != ADMIN_ROLE),
            email=request.email or principal.email,
            parent=principal.effective_id,
            lineage=principal.token_ids,
        )
        return jwt.encode(claims, self._jwt_key, self._clock.now())

    def reconnection(self, principal: Principal, workspace: str, client_id: str) -> tuple[str, float]:
        """Sign what lets a client come back as it is; returns the token and its life in seconds.

        It is good for this client and workspace for two days, or as long as the credential it is made from.
        """
        now = self._clock.now()
        expires_at = self._end(principal, RECONNECTION_LIFE)
        claims = jwt.Claims(
            subject=principal.id,
            expires_at=expires_at,
            token_id=self._clock.new_id(),
            scope=Scope(
                grants=principal.grants, current_workspace=workspace, client_id=client_id, extra=principal.scopes
            ),
            roles=principal.roles,
            email=principal.email,
            parent=principal.parent,
            restricted=not principal.uses_memberships and not principal.is_site_admin,
            lineage=principal.token_ids or (self._clock.new_id(),),
        )
        return jwt.encode(claims, self._jwt_key, now), expires_at - now

    def _end(self, principal: Principal, expires_in: timedelta) -> float:
        now = self._clock.now()
        return end_of_life(principal, expires_in, now) or now

    async def _require_admin(self, principal: Principal, workspace: str) -> None:
        if principal.is_limited:
            raise Forbidden("generate_token", "A limited token does not have permission to generate tokens.")
        if principal.is_anonymous:
            role = principal.role_in(workspace)
        elif workspace == ANYONE:
            role = Role.ADMIN if principal.is_site_admin else None
        else:
            role = await self._accounts.workspaces.role(principal, checked_workspace(workspace))
        if role is not Role.ADMIN:
            raise Forbidden(
                "generate_token", f"User does not have permission to generate tokens for workspace '{workspace}'."
            )
