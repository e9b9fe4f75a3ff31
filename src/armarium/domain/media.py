"""How a file is described to whoever fetches it: its media type, and under which name to save it."""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote

_MEDIA_TYPE = re.compile(
    r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:[ \t]*;[ \t]*[\w!#$&^.+-]+=(?:[\w!#$&^.+:/-]+|\"[^\"\\\x00-\x1f\x7f]*\"))*",
    re.ASCII,
)
_TEXT = ("text/", "application/javascript")
_NOT_PLAIN = re.compile(r"[^ !#-$&-.0-\[\]-~]")  # outside ASCII, or one of `"`, `%`, `/`, `\`


@lru_cache(maxsize=1024)
def content_type_header(content_type: str) -> str:
    """Print a media type; text gets `charset=utf-8`, what is not a media type is called bytes."""
    if not _MEDIA_TYPE.fullmatch(content_type):
        return "application/octet-stream"
    if content_type.lower().startswith(_TEXT) and "charset" not in content_type.lower():
        content_type += "; charset=utf-8"
    return content_type


@lru_cache(maxsize=1024)
def content_disposition(filename: str | None, *, inline: bool) -> str:
    """Print `inline` or `attachment` with a name that is safe to send and to save.

    Only the last part of a path is offered. A name outside plain ASCII is sent twice: once with
    stand-ins for what old clients misread, once in UTF-8. Source: RFC 6266, RFC 8187.
    """
    kind = "inline" if inline else "attachment"
    name = _base_name(filename or "")
    if not name:
        return kind
    plain = _NOT_PLAIN.sub("_", name)
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='!#$&+-.^_`|~')}"
    return f'{kind}; filename="{plain}"{extended}'


def _base_name(filename: str) -> str:
    """The last part of a path without control and format characters or half characters."""
    last = re.split(r"[/\\]", filename)[-1]
    return "".join(char for char in last if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
