"""Substring search over manifests: folded text cut into trigrams, looked up, and checked again on the true text.

SQLite keeps the trigrams in the FTS5 table `text_index`, which only ever grows by rows: `text_doc` says which
row holds the current manifest of an artifact, so rows left behind by changes and removals join to nothing.
"""

import functools

TRIGRAM = 3
_MOST_TERMS = 24

TEXT_INDEX_DDL = (
    "CREATE VIRTUAL TABLE text_index USING fts5(body, content='', detail=none, tokenize='trigram case_sensitive 1')"
)


def fold(text: str) -> str:
    """The form in which texts are compared without case."""
    return text.casefold()


def match_expression(needle: str) -> str | None:
    """The FTS5 query whose rows include everything that contains a folded text; None where it is too short."""
    if len(needle) < TRIGRAM or "\x00" in needle:
        return None
    terms = list(dict.fromkeys(needle[at : at + TRIGRAM] for at in range(len(needle) - TRIGRAM + 1)))
    step = -(-len(terms) // _MOST_TERMS)
    return " AND ".join('"' + term.replace('"', '""') + '"' for term in terms[::step])


def contains(haystack: str | None, needle: str) -> bool:
    """Whether a text contains an already folded one, ignoring case."""
    return haystack is not None and needle in fold(haystack)


def matches(text: str | None, pattern: str) -> bool:
    """Whether a whole text matches a pattern, ignoring case; `*` is any run. Takes time linear in the text."""
    if text is None:
        return False
    first, *rest = _pieces(pattern)
    folded = fold(text)
    if not rest:
        return folded == first
    *middle, last = rest
    if not folded.startswith(first) or len(folded) < len(first) + len(last) or not folded.endswith(last):
        return False
    at, end = len(first), len(folded) - len(last)
    for piece in middle:
        found = folded.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


@functools.lru_cache(maxsize=256)
def _pieces(pattern: str) -> list[str]:
    return fold(pattern).split("*")
