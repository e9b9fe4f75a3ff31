"""Numbers and times in the words of the pages."""

import datetime as dt


def size(size_bytes: int) -> str:
    """`1.5 MB`: three significant digits at most."""
    value = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def date(seconds: float) -> str:
    """`3 May 2026`, in UTC."""
    day = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return f"{day.day} {day:%b %Y}"


def count(number: float, noun: str) -> str:
    """`1 file`, `2,000 files`."""
    shown = f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"
    return f"{shown} {noun}" if number == 1 else f"{shown} {noun}s"
