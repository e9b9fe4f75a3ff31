"""Substring search over manifests: folded text cut into trigrams, looked up, and checked again on the true text.

SQLite keeps the trigrams in the FTS5 table `text_index`, which only ever grows by rows: `text_doc` says which
row holds the current manifest of an artifact, so rows left behind by changes and removals join to nothing.
"""

TRIGRAM = 3
_MOST_TERMS = 24

TEXT_INDEX_DDL = (
    "CREATE VIRTUAL TABLE text_index USING fts5"
    "(body, content='', detail=none, tokenize='trigram case_sensitive 1')"
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
