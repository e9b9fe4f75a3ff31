"""The `Range` request header, RFC 9110 section 14."""

import re

from armarium.domain.file import ByteRange

# One range only: several are answered with the whole file, as section 14.2 allows.
_SINGLE = re.compile(r"[ \t]*bytes[ \t]*=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
_HUGE = 1 << 63


class UnsatisfiableRangeError(Exception):
    """A well-formed range that holds no byte of the file; answered with 416."""


def parse_range(header: str | None, size_bytes: int) -> ByteRange | None:
    """Return the span a `Range` header asks for, cut to the size; None means the whole file.

    What is malformed is ignored, as the RFC asks: a known client sends `bytes=0--1` to see if a file is there.
    Raises UnsatisfiableRangeError.
    """
    match = _SINGLE.fullmatch(header or "")
    first, last = match.groups() if match else ("", "")
    if first:
        return _span(_number(first), last, size_bytes)
    return _suffix(_number(last), size_bytes) if last else None


def _span(first: int, last: str, size_bytes: int) -> ByteRange | None:
    end = _number(last) if last else size_bytes - 1
    if last and end < first:
        return None
    if first >= size_bytes:
        raise UnsatisfiableRangeError
    return ByteRange(first, min(end, size_bytes - 1))


def _suffix(length: int, size_bytes: int) -> ByteRange | None:
    if length == 0:
        raise UnsatisfiableRangeError
    if size_bytes == 0:
        return None
    return ByteRange(max(size_bytes - length, 0), size_bytes - 1)


def _number(digits: str) -> int:
    """Read a number; more digits than any file needs are not worth reading."""
    significant = digits.lstrip("0") or "0"
    return int(significant) if len(significant) < 19 else _HUGE


def content_range(span: ByteRange | None, size_bytes: int) -> bytes:
    """The `Content-Range` of a span, or of the answer that there is none."""
    return b"bytes */%d" % size_bytes if span is None else b"bytes %d-%d/%d" % (span.first, span.last, size_bytes)
