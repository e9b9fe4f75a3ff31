"""Credential in, principal out."""

import hmac

from armarium.auth import jwt
from armarium.core.accounts import Accounts
from armarium.domain import token_text
from armarium.domain.account import (
    ANONYMOUS_PREFIX,
    ANONYMOUS_ROLE,
    ANONYMOUS_WORKSPACE,
    Token,
    User,
)
from armarium.domain.errors import Invalid, NotAuthenticated
from armarium.domain.principal import ANYONE, ROOT, Principal, Role, home_workspace
from armarium.ports.catalog import Catalog
from armarium.ports.clock import Clock

ANONYMOUS = Principal(
    id=f"{ANONYMOUS_PREFIX}http",
    roles=(ANONYMOUS_ROLE,),
    is_anonymous=True,
    current_workspace=ANONYMOUS_WORKSPACE,
    grants={ANONYMOUS_WORKSPACE: Role.READ},
)
"""A caller over HTTP who shows no credential."""

MAX_AGE_SECONDS = 2.0
"""How long a verified credential is believed: another process may have revoked it meanwhile."""
MAX_REMEMBERED = 4096


class Identify:
    """Says who a credential stands for.

    What was verified is remembered for a moment, and forgotten at once when this process changes any account.
    """

    def __init__(
        self,
        catalog: Catalog,
        accounts: Accounts,
        clock: Clock,
        *,
        jwt_key: bytes,
        root_token: str | None = None,
        anonymous: bool = True,
    ) -> None:
        self._catalog = catalog
        self._accounts = accounts
        self._clock = clock
        self._jwt_key = jwt_key
        self._root_digest = token_text.digest(root_token) if root_token else None
        self._lets_strangers_in = anonymous
        self._remembered: dict[str, tuple[float, Principal]] = {}
        self._generation = 0
        accounts.on_change(self.forget)

    async def __call__(self, credential: str | None) -> Principal:
        """Return the principal; no credential means an anonymous caller over HTTP.

        Raises NotAuthenticated: unknown, malformed, expired, revoked, or its user is disabled.
        """
        if not credential:
            return self._stranger()
        hit = self._remembered.get(credential)
        if hit is not None and self._clock.now() < hit[0]:
            return hit[1]
        return await self._verify(credential)

    identify = __call__

    def forget(self) -> None:
        """Verify every credential anew."""
        self._generation += 1
        self._remembered.clear()

    @property
    def lets_strangers_in(self) -> bool:
        return self._lets_strangers_in

    def read_signed(self, credential: str) -> jwt.Claims:
        """What a signed token says, whether or not it is revoked. Raises NotAuthenticated."""
        return jwt.decode(credential, self._jwt_key, self._clock.now())

    def _stranger(self) -> Principal:
        if not self._lets_strangers_in:
            raise NotAuthenticated("A token is needed: this server takes no anonymous callers.")
        return ANONYMOUS

    async def _verify(self, credential: str) -> Principal:
        if not credential.isascii():
            raise NotAuthenticated("The token is not valid.")
        generation = self._generation
        principal = await self._principal(credential)
        if generation == self._generation:  # else something was revoked while we were looking
            self._remember(credential, principal)
        return principal

    def _remember(self, credential: str, principal: Principal) -> None:
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        until = self._clock.now() + MAX_AGE_SECONDS
        self._remembered[credential] = (min(until, principal.expires_at or until), principal)

    async def _principal(self, credential: str) -> Principal:
        if token_text.is_token(credential):
            return await self._from_opaque(token_text.digest(credential))
        if self._is_root(credential):
            return ROOT
        if jwt.looks_signed(credential):
            return await self._from_signed(self.read_signed(credential))
        raise NotAuthenticated("The token is not valid.")

    def _is_root(self, credential: str) -> bool:
        digest = token_text.digest(credential)
        return self._root_digest is not None and hmac.compare_digest(digest, self._root_digest)

    async def _from_opaque(self, digest: bytes) -> Principal:
        token = await self._catalog.find_token(digest)
        if token is None:
            raise NotAuthenticated("The token is not valid.")
        if token.expires_at is not None and token.expires_at <= self._clock.now():
            raise NotAuthenticated("The token has expired.")
        await self._refuse_revoked(token.id)
        user = await self._catalog.find_user(token.user_id)
        if user is None:
            raise NotAuthenticated("The user of this token does not exist any more.")
        return await self._holder(token, _enabled(user))

    async def _holder(self, token: Token, user: User) -> Principal:
        is_free = token.workspace is None and token.role is Role.ADMIN and not token.scopes
        grants = _everything(user) if is_free else await self._narrowed(token, user)
        return Principal(
            id=user.id,
            email=user.email,
            roles=user.roles if is_free else (),
            expires_at=token.expires_at,
            current_workspace=token.workspace,
            grants=grants,
            uses_memberships=is_free,
            scopes=token.scopes,
            read_only=token.role is Role.READ,
            confined_to=token.workspace,
            token_ids=(token.id,),
        )

    async def _narrowed(self, token: Token, user: User) -> dict[str, Role]:
        """What the user may, cut down to what the token is made for."""
        held = {**await self._catalog.memberships(user.id), **_everything(user)}
        if token.workspace is not None:
            role = max(held.get(token.workspace, 0), held.get(ANYONE, 0))
            held = {token.workspace: Role(role)} if role else {}
        return {workspace: min(role, token.role) for workspace, role in held.items()}

    async def _from_signed(self, claims: jwt.Claims) -> Principal:
        await self._refuse_revoked(claims.token_id, *claims.lineage)
        is_anonymous = ANONYMOUS_ROLE in claims.roles or claims.subject.startswith(ANONYMOUS_PREFIX)
        if is_anonymous:
            self._stranger()
            return _bearer(claims, roles=(ANONYMOUS_ROLE,), is_anonymous=True)
        user = await self._known(claims)
        if claims.parent or claims.restricted:
            return _bearer(claims, roles=claims.roles)
        roles = tuple(dict.fromkeys((*claims.roles, *user.roles)))
        return _login(claims, User(id=user.id, email=claims.email or user.email, roles=roles))

    async def _known(self, claims: jwt.Claims) -> User:
        """The user who answers for a signed token; one who was never here gets a home."""
        email = None if claims.parent else claims.email
        try:
            return _enabled(await self._accounts.ensure_home(claims.parent or claims.subject, email=email))
        except Invalid:
            raise NotAuthenticated("The token's subject cannot be a user of this server.") from None

    async def _refuse_revoked(self, *token_ids: str) -> None:
        for token_id in token_ids:
            if await self._catalog.is_revoked(token_id):
                raise NotAuthenticated("The token has been revoked.")


def _enabled(user: User) -> User:
    if user.is_disabled:
        raise NotAuthenticated("This user is disabled.")
    return user


def _everything(user: User) -> dict[str, Role]:
    return {ANYONE: Role.ADMIN} if user.is_admin else {}


def _login(claims: jwt.Claims, user: User) -> Principal:
    """Someone vouched for by a signed token, with all that is theirs."""
    is_limited = any(":" in scope for scope in claims.scope.extra)
    own = {home_workspace(user.id): Role.ADMIN, **_everything(user)}
    return Principal(
        id=user.id,
        email=user.email,
        roles=user.roles,
        expires_at=claims.expires_at,
        current_workspace=claims.scope.current_workspace,
        grants=claims.scope.grants if is_limited else {**claims.scope.grants, **own},
        uses_memberships=not is_limited,
        scopes=claims.scope.extra,
        client_id=claims.scope.client_id,
        may_outlive=not claims.lineage,
        token_ids=(claims.token_id, *claims.lineage),
    )


def _bearer(claims: jwt.Claims, *, roles: tuple[str, ...], is_anonymous: bool = False) -> Principal:
    """Someone with nothing but what the token names."""
    return Principal(
        id=claims.subject,
        email=claims.email,
        roles=roles,
        is_anonymous=is_anonymous,
        parent=claims.parent,
        expires_at=claims.expires_at,
        current_workspace=claims.scope.current_workspace,
        grants=claims.scope.grants,
        scopes=claims.scope.extra,
        client_id=claims.scope.client_id,
        read_only=max(claims.scope.grants.values(), default=Role.ADMIN) is Role.READ,
        token_ids=(claims.token_id, *claims.lineage),
    )
