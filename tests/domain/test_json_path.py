"""SQL/JSON paths: what PostgreSQL 15 said of the same document and path, and texts nobody meant as paths."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain import regexes
from armarium.domain.errors import Invalid
from armarium.domain.json_match import matches
from armarium.domain.json_path import parse_json_path, required_text

DOCUMENT = {
    "name": "My CTD", "tags": ["x", "y"], "n": 5, "images": [{"size": 5}, {"size": 20000}], "a": None,
    "nested": {"k": "v"}, "cloud-cover-pct": 3.2, "s": "5",
}  # fmt: skip


def holds(path, document=DOCUMENT):
    return matches(parse_json_path(path), document, regexes.found)


@pytest.mark.parametrize(
    "path",
    [
        '$.tags ? (@ == "y")', '$.tags[*] ? (@ == "y")', '$.tags[1] ? (@ == "y")', '$.tags[last] ? (@ == "y")',
        '$.tags[0 to 1] ? (@ == "x")', '$.name ? (@ starts with "My")', '$.name ? (@ like_regex ".*ctd.*" flag "i")',
        "$.images[*] ? (@.size > 10000)", "$.images ? (@.size > 10000)", "$.images[*].size ? (@ > 10000)",
        '$."cloud-cover-pct" ? (@ < 5)', "$.a", "$.a ? (@ == null)", "$.n ? (@ >= 5 && @ < 6)",
        "$.n ? (@ < 1 || @ == 5)", "$ ? (!(@.n == 6))", "$ ? (exists(@.a))", "$.n ? (@ <> 6)", "$.n ? (@ != 6)",
        "$.* ? (@ == 5)", "$.**.k", "$.tags.size() ? (@ == 2)", "$[0].n", '$.name ? (@ > "A")', "$.n == 5",
        'lax $.tags ? (@ == "y")', 'strict $.tags[*] ? (@ == "y")', '$.images.type() ? (@ == "array")',
        '$ ? (@.nested ? (@.k == "v").k == "v")', "$.tags[last-1]",
        '$.name ? (@ like_regex "My." flag "q") == 1 || $.n == 5',
        '"y" == $.tags[*]', "$.n.size()", "$ ? (@.n > -1e3)", r'$.name ? (@ == "My CTD")',
    ],
)  # fmt: skip
def test_a_path_that_matches(path):
    assert holds(path)


@pytest.mark.parametrize(
    "path",
    [
        'strict $.tags ? (@ == "y")', '$.n ? (@ == "5")', "$.s ? (@ == 5)", '$.name ? (@ like_regex "ctd")',
        "$.missing",
        "$.missing ? (@ == 1)", "$.n == 6", "strict $.missing", "strict $.tags[5]",
        "$.tags[5]", "$.n ? (!(@ == true))",
        "$.a ? (@ < 5)",
        "$.nested ? (@ == @)", "$.n ? (@ == true)", "!($.n == 5)", "strict $.n.size() ? (@ == 1)",
        '$.name ? (@ like_regex "My." flag "q")',
    ],
)  # fmt: skip
def test_a_path_that_does_not_match(path):
    assert not holds(path)


@pytest.mark.parametrize(
    "path",
    [
        "", "  ", "$..x", "word", "$.cloud-cover-pct ? (@ < 5)", "5", "$ ?", "$.a ? (", "$.a ? ()", "$.a ? (@)",
        "$.a[", "$.a[x]", '$.a ? (@ == "x)', "$.a ? (@ ==)", "$.a.double()", "$.a && $.b", "$" + "?(@.a" * 50,
        "(" * 100_000, "$." + "a" * 5000, '$.a ? (@ like_regex "x" flag "z")', r'$.a ? (@ == "\x")', "$ $", "$.a ==",
        '$.a ? (@ like_regex "' + "x" * 600 + '")', r'$."\ud800"',
    ],
)  # fmt: skip
def test_what_is_no_path_is_refused(path):
    with pytest.raises(Invalid) as refused:
        parse_json_path(path)
    assert refused.value.field == "content-path"


def test_null_is_compared_as_postgresql_does():
    document = {"a": None, "n": 1}
    outcomes = {
        op: (holds(f"$.a {op} null", document), holds(f"$.a {op} $.n", document)) for op in ("==", "!=", "<=", "<")
    }
    assert outcomes == {"==": (True, False), "!=": (False, True), "<=": (True, False), "<": (False, False)}


signs = st.sampled_from(
    [*"$@.*?!<>()[],", "==", "&&", "||", "**", '"k"', "k", "1", "to", "last", "exists", "size()", " "]
)


@given(st.lists(signs, max_size=25).map("".join) | st.text(max_size=40))
def test_any_text_is_a_path_or_is_refused(text):
    try:
        path = parse_json_path(text)
    except Invalid:
        return
    assert matches(path, DOCUMENT, regexes.found) in (True, False)


scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
)
quoted = (
    st.text(max_size=3)
    .filter(lambda text: text.isprintable() and text.isascii())
    .map(lambda text: text.replace("\\", "").replace('"', ""))
)


@given(st.dictionaries(quoted, scalars | st.lists(scalars, max_size=3), max_size=4), quoted, quoted)
def test_equality_of_a_member_means_what_it_says(document, key, value):
    held = document.get(key)
    expected = value in held if isinstance(held, list) else held == value
    assert holds(f'$."{key}" ? (@ == "{value}")', document) == expected


@given(documents, quoted)
def test_a_text_that_is_required_occurs_in_every_match(document, value):
    path = parse_json_path(f'$.** ? (@.k == "{value}" || @ == 1) ? (@ == "{value}")')
    assert required_text(path) == value or (value == "" and not required_text(path))
    if matches(path, document, regexes.found):
        assert value in str(document)


def test_a_path_that_explodes_is_stopped():
    deep = {"k": [[["x"] * 60] * 60] * 60}
    with pytest.raises(Invalid, match="too many steps"):
        holds("$.** ? (exists(@.** ? (@.** == 1)))", deep)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+b", "(.*)*x"])
def test_regular_expressions_take_no_exponential_time(pattern):
    assert not regexes.found(pattern, "", "a" * 50_000 + "!")


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a{1000}{1000}", "x" * 600])
def test_regular_expressions_nobody_can_bound_are_refused(pattern):
    with pytest.raises(Invalid):
        regexes.found(pattern, "", "a")


@given(st.text(max_size=8), st.text(max_size=8))
def test_a_literal_pattern_is_found_as_it_stands(pattern, text):
    assert regexes.found(pattern, "q", text) == (pattern in text)
    assert regexes.found(re.escape("."), "", "a.b")
