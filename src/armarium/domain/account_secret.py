"""Secrets of accounts: texts kept under a name for whoever works in a workspace."""

import msgspec

from armarium.domain.errors import Invalid, TooLarge

MAX_NAME_LENGTH = 256
MAX_VALUE_BYTES = 64 * 1024
NEVER = 0


class AccountSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret without its value. kind: what it is for, if anybody said; expires_at: seconds since 1970, or `NEVER`."""

    workspace: str
    name: str
    kind: str | None = None
    expires_at: int = NEVER

    @property
    def context(self) -> str:
        """What its ciphertext belongs to; a workspace has no slash in its name."""
        return f"account/{self.workspace}/{self.name}"

    def has_expired(self, now: float) -> bool:
        return self.expires_at != NEVER and self.expires_at <= now


class SealedSecret(msgspec.Struct, frozen=True):
    """A secret with its ciphertext."""

    secret: AccountSecret
    ciphertext: bytes


def checked_secret(secret: AccountSecret, value: str) -> AccountSecret:
    """Return a secret that can be kept. Raises Invalid, TooLarge."""
    _check("secret-name", secret.name)
    if secret.kind is not None:
        _check("secret-type", secret.kind)
    if len(value.encode()) > MAX_VALUE_BYTES:
        raise TooLarge(f"A secret has at most {MAX_VALUE_BYTES} bytes.")
    if not 0 <= secret.expires_at < 2**63:
        raise Invalid("expiry-time", "The expiry-time is in seconds since 1970, or 0 for never.")
    return secret


def _check(field: str, text: str) -> None:
    if not 0 < len(text) <= MAX_NAME_LENGTH or not text.isprintable():
        raise Invalid(field, f"The {field} must have 1 to {MAX_NAME_LENGTH} characters, all of them printable.")
