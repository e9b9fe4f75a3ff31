"""Regular expressions people send, found in time linear in the text: no backtracking, no look-around, no references."""

import functools
import re
from typing import Any

import jsonschema_rs

from armarium.domain.errors import Invalid

MAX_LENGTH = 512


def found(pattern: str, flags: str, text: str) -> bool:
    """Whether a pattern is found anywhere in a text. flags: of `i`, `s`, `m`, and `q` for a literal text."""
    return bool(_compiled(pattern, flags).is_valid(text))


def check(field: str, pattern: str, flags: str = "") -> None:
    """Refuse what `found` could not use. Raises Invalid, naming the field."""
    try:
        _compiled(pattern, flags)
    except Invalid as error:
        raise Invalid(field, error.reason) from None


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str, flags: str) -> Any:
    if len(pattern) > MAX_LENGTH:
        raise Invalid("pattern", f"The regular expression is longer than {MAX_LENGTH} characters.")
    if "q" in flags:
        pattern = re.escape(pattern)
    inline = "".join(sorted(set(flags) & set("ism")))
    pattern = f"(?{inline}){pattern}" if inline else pattern
    try:
        # Its validator brings the one linear engine at hand: a schema that is nothing but a pattern.
        return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except (ValueError, jsonschema_rs.ValidationError):
        raise Invalid("pattern", "The regular expression cannot be used.") from None
