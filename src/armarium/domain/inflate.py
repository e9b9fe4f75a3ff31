"""Deflated bytes back to what they were, in small pieces and never more of them than declared."""

import zlib
from collections.abc import Iterator

from armarium.domain.archive import ArchiveMember
from armarium.domain.errors import Unsupported
from armarium.domain.zip_directory import not_an_archive
from armarium.domain.zip_format import STORED

DEFLATED = 8

_PIECE_BYTES = 1 << 18
# No deflated bit says more than 258 bytes in two bits; a member that claims more is a trap.
_MOST_INFLATED = 1032


def require_readable(member: ArchiveMember) -> None:
    """Raise Unsupported or Invalid for a member whose bytes can not be had."""
    if member.is_encrypted:
        raise Unsupported(f"'{member.path}' is encrypted and cannot be read inside the ZIP file.")
    if member.method not in (STORED, DEFLATED):
        raise Unsupported(f"'{member.path}' is compressed in a way that cannot be read inside the ZIP file.")
    most = member.compressed_bytes * (_MOST_INFLATED if member.method == DEFLATED else 1)
    if member.size_bytes > most or (member.method == STORED and member.size_bytes != most):
        raise damaged(member)


def damaged(member: ArchiveMember) -> Exception:
    return not_an_archive(f"'{member.path}' is damaged")


class Inflater:
    """The bytes of one deflated member, as they come."""

    def __init__(self, member: ArchiveMember) -> None:
        self._member = member
        self._left = member.size_bytes
        self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)

    def feed(self, compressed: bytes) -> Iterator[bytes]:
        """Yield what compressed bytes hold, 256 KiB at most at a time; raises Invalid for more than was declared."""
        while not self._zlib.eof:
            piece = self._inflated(compressed)
            compressed = self._zlib.unconsumed_tail
            self._left -= len(piece)
            if self._left < 0:
                raise damaged(self._member)
            if piece:
                yield piece
            if not compressed and len(piece) < _PIECE_BYTES:
                return

    def _inflated(self, compressed: bytes) -> bytes:
        try:
            return self._zlib.decompress(compressed, _PIECE_BYTES)
        except zlib.error:
            raise damaged(self._member) from None
