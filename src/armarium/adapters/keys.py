"""The server's keys: one master key, and a key of its own for each purpose."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from armarium.domain.errors import Invalid

FILE_NAME = "master.key"
_LEAST_CHARACTERS = 16


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """jwt: signs tokens. urls: signs tickets. secrets: seals secrets; former_secrets: opens old ones."""

    jwt: bytes
    urls: bytes
    secrets: bytes
    former_secrets: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return "Keys(***)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


def load_keys(
    data: Path,
    *,
    secret_key: str | None = None,
    jwt_secret: str | None = None,
    previous_secret_keys: Sequence[str] = (),
) -> Keys:
    """Derive all keys from `secret_key`, else from the file in the data folder, which is made on first use.

    jwt_secret: signs tokens as it stands, because others hold it too.
    """
    master = secret_key or _read_or_create(data / FILE_NAME)
    return Keys(
        jwt=jwt_secret.encode() if jwt_secret else _derive(master, "jwt"),
        urls=_derive(master, "urls"),
        secrets=_derive(master, "secrets"),
        former_secrets=tuple(_derive(former, "secrets") for former in previous_secret_keys),
    )


def hand_over(source: Path, target: Path, *, secret_key: str | None = None) -> None:
    """Let another data folder have the same master key, where it has none yet. secret_key: instead of the file's."""
    path = target / FILE_NAME
    if not path.exists():
        _create(path, secret_key or _read_or_create(source / FILE_NAME))


def _derive(master: str, purpose: str) -> bytes:
    kdf = HKDF(algorithm=SHA256(), length=32, salt=b"armarium", info=purpose.encode())
    return kdf.derive(master.encode())


def _read_or_create(path: Path) -> str:
    if not path.exists():
        _create(path, secrets.token_urlsafe(32))
    text = path.read_text(encoding="ascii", errors="replace").strip()
    if len(text) < _LEAST_CHARACTERS or not text.isascii():
        raise Invalid("secret_key", f"{FILE_NAME} in the data folder is damaged: put back the file from a backup.")
    return text


def _create(path: Path, key: str) -> None:
    """Write a key under a private name, then link it into place: of two processes one wins, both read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{FILE_NAME}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
        _link(draft, path)
    finally:
        draft.unlink()


def _link(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable; Windows cannot open folders and needs no such thing."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
