"""Random manifests and searches, small enough that they meet each other often."""

from typing import Any

from hypothesis import strategies as st

from armarium.domain.query import (
    AllOf,
    AnyOf,
    Between,
    Condition,
    ContainsAll,
    ContainsAny,
    Equals,
    Field,
    Keyword,
    Lacks,
    Matches,
    Not,
    Order,
    Stage,
)

_LONG = "long " * 50
_WORDS = [
    "",
    "a",
    "A",
    "b",
    "ab",
    "Straße",
    "STRASSE",
    "100%",
    "a_b",
    "a*b",
    'quo"te',
    "it's",
    "1",
    "1.0",
    "-2",
    "true",
]
_TEXTS = st.sampled_from([*_WORDS, _LONG, _LONG + "end", _LONG.upper(), "\U0001f600", "nan", "1e400", "a.b"])
_NUMBERS = st.sampled_from([0, 1, -2, 1.0, 1.5, -0.0, 2**53 + 1, 10**30, 1e300, 0.1])
_SCALARS = _TEXTS | _NUMBERS | st.booleans()
_KEYS = st.sampled_from(["a", "b", "a.b", "b.a", "name", 'q"', "$.a", "x[0]"])
_PATHS = st.sampled_from(["a", "b", "a.b", "b.a", "a.b.a", "name", 'q"', "$.a", "x[0]", "missing"])

_VALUES: Any = st.recursive(
    _SCALARS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=5,
)
MANIFESTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(_KEYS, _VALUES, max_size=4)
TYPES = st.sampled_from(["generic", "model", "Model"])
COUNTS = st.sampled_from([0.0, 1.0, 1.5, 7.0])
TIMES = st.sampled_from([1, 2, 3])

JSON_FIELDS = st.builds(Field, st.sampled_from(["manifest", "manifest", "manifest", "config"]), _PATHS)
_COLUMNS = [
    "type",
    "alias",
    "workspace",
    "created_by",
    "created_at",
    "modified_at",
    "view_count",
    "download_count",
    "id",
]
_FIELDS = JSON_FIELDS | st.sampled_from(_COLUMNS).map(lambda name: Field("artifact", name))
_PATTERNS = st.lists(st.sampled_from(["*", "a", "B", "%", "_", "ss", "ß", "long", "1", ".", "\\"]), max_size=4).map(
    "".join
)
_BOUNDS = st.none() | st.sampled_from([0.0, 1.0, -2.0, 1.5, 1e300, float("inf"), float("-inf")])
_KEYWORDS = st.sampled_from(
    [
        "",
        "a",
        "na",
        "name",
        "NAME",
        "strasse",
        "aße",
        "true",
        '":',
        '{"a',
        "long long",
        "%",
        '\\"',
        "zzz",
        "\U0001f600",
        "0%",
    ]
)

_LEAVES = (
    st.builds(Equals, _FIELDS, _SCALARS)
    | st.builds(Matches, _FIELDS, _PATTERNS, st.booleans())
    | st.builds(ContainsAll, _FIELDS, st.lists(_SCALARS, max_size=2).map(tuple))
    | st.builds(ContainsAny, _FIELDS, st.lists(_SCALARS, max_size=3).map(tuple))
    | st.builds(Between, _FIELDS, _BOUNDS, _BOUNDS)
    | st.builds(Lacks, JSON_FIELDS)
    | st.builds(Keyword, _KEYWORDS)
)


def _joined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    parts = st.lists(inner, max_size=3).map(tuple)
    return st.builds(AllOf, parts) | st.builds(AnyOf, parts) | st.builds(Not, inner)


CONDITIONS: st.SearchStrategy[Condition] = st.just(AllOf(())) | st.recursive(_LEAVES, _joined, max_leaves=4)
ORDERS = st.builds(Order, _FIELDS, st.booleans())
STAGES = st.sampled_from(list(Stage))
