"""Durations and sizes as people write them: `90s`, `12h`, `30d`; `512 MiB`, `2GB`."""

import math
import re
from datetime import timedelta

from armarium.domain.errors import Invalid

MIB = 1024**2
GIB = 1024**3

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES = {"": 1, "b": 1}
_BYTES |= {f"{letter}b": 1000**power for power, letter in enumerate("kmgtp", 1)}
_BYTES |= {f"{letter}ib": 1024**power for power, letter in enumerate("kmgtp", 1)}

_DURATION_PART = r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)"
_DURATION = re.compile(rf"{_DURATION_PART}(?:\s*{_DURATION_PART})*")
_PART = re.compile(_DURATION_PART)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")
_LONGEST = timedelta(days=36525)


def parse_duration(text: str) -> timedelta:
    """Read `30d`, `1h 30m`, `500ms` or a plain number of seconds; at most a hundred years."""
    cleaned = text.strip().lower()
    seconds = _seconds(cleaned)
    if seconds is None or seconds > _LONGEST.total_seconds():
        raise Invalid("duration", f"Invalid duration {text[:40]!r}: write it like 90s, 15m, 12h or 30d.")
    return timedelta(seconds=seconds)


def _seconds(text: str) -> float | None:
    if len(text) > 100:
        return None
    if _NUMBER.fullmatch(text):
        return float(text)
    if not _DURATION.fullmatch(text):
        return None
    return math.fsum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def format_duration(duration: timedelta) -> str:
    """Write a duration so that `parse_duration` reads it back; finer than milliseconds is lost."""
    left = round(duration.total_seconds() * 1000)
    parts = []
    for unit, milliseconds in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, milliseconds)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0s"


def parse_size(text: str) -> int:
    """Read a number of bytes, with a unit of 1000 (`kB`, `MB`, `GB`) or of 1024 (`KiB`, `MiB`, `GiB`)."""
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None or match[2] not in _BYTES or len(match[1]) > 20:
        raise Invalid("size", f"Invalid size {text[:40]!r}: write it like 1048576, 512MiB or 10GB.")
    number = match[1]
    return int(float(number) * _BYTES[match[2]]) if "." in number else int(number) * _BYTES[match[2]]
