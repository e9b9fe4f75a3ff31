"""Functions of ours in a PostgreSQL database, and the index over them.

armarium_fold(text)        the form in which texts are compared without case: Python's `casefold`, so that both
                           databases find the same (PostgreSQL before 18 has no such function, `lower` is another)
armarium_trigrams(text)    every run of three characters, packed into one number; a GIN index over these answers
                           which texts may contain another, without the extension pg_trgm
"""

import sys

TEXT_INDEX_DDL = "CREATE INDEX ix_text_body_trigrams ON text_body USING gin (armarium_trigrams(body))"

_TRIGRAMS = """
CREATE FUNCTION armarium_trigrams(body text) RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 5000
AS $$
DECLARE
    signs text[] := string_to_array(body, NULL);
BEGIN
    RETURN (
        SELECT coalesce(array_agg((ascii(a)::bigint << 42) | (ascii(b)::bigint << 21) | ascii(c)), '{}')
        FROM unnest(signs, signs[2:], signs[3:]) AS run(a, b, c) WHERE c IS NOT NULL
    );
END $$
"""

_FOLD = """
CREATE FUNCTION armarium_fold(body text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 200 AS $$
DECLARE
    folded text;
    long text[] := {long};
    unfolded text[] := {unfolded};
BEGIN
    IF octet_length(body) = length(body) THEN
        RETURN lower(body COLLATE "C");
    END IF;
    folded := translate(body, '{single}', '{single_folded}');
    IF folded ~ '[{pattern}]' THEN
        FOR at IN 1 .. cardinality(unfolded) LOOP
            folded := replace(folded, unfolded[at], long[at]);
        END LOOP;
    END IF;
    RETURN folded;
END $$
"""


def functions() -> list[str]:
    """The statements that make them."""
    return [_fold(), _TRIGRAMS]


def _fold() -> str:
    folded = {sign: sign.casefold() for sign in map(chr, range(sys.maxunicode + 1)) if sign.casefold() != sign}
    single = {sign: to for sign, to in folded.items() if len(to) == 1}
    several = {sign: to for sign, to in folded.items() if len(to) > 1}
    return _FOLD.format(
        single="".join(single),
        single_folded="".join(single.values()),
        pattern="".join(several),
        unfolded=_array(list(several)),
        long=_array(list(several.values())),
    )


def _array(texts: list[str]) -> str:
    return "ARRAY[" + ", ".join(f"'{text}'" for text in texts) + "]"
