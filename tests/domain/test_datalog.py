"""Questions in Datalog: what is read, what is refused, and answers against the plainest way to find them."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain import datalog_answers
from armarium.domain.datalog import (
    BUILT_IN,
    EACH,
    MAX_LENGTH,
    Atom,
    Column,
    Comparison,
    Constant,
    Question,
    Variable,
    parse_question,
)
from armarium.domain.datalog_answers import answers, rows_of
from armarium.domain.errors import Invalid

LOAD = ':load_aspect(/image, "urn:s:1", ["entity", ".camera.name", ".tags[*]", ".params[*].name|value"]).\n'
PIECES = [
    *'()[],.:=<>!_"\\\n /#\'-|', ":-", "query", "ivcap_artifact", "ivcap_job", "Id", "Name", '"text"', "'x\\'y'", "3",
    "-2.5e9",
    "/true", "/image", ":load_aspect", '".a[*].b|c"', '"entity"', "!=", "<=", "|>", "ivcap_artifact(A, B, C)", ".\n",
    LOAD,
    "X = 1", "image(A, B, C, D, E)", "\0", "ä", "9" * 50, "1e999",
]  # fmt: skip


def question(text: str) -> Question:
    return parse_question(text)


def test_both_notations_are_read():
    asked = question(f'{LOAD} # a comment\nquery(Id, V) :- image(Id, "front", T, _, V), V >= 3, T != "x".')
    assert asked.loads["image"].columns == (
        Column(is_entity=True), Column(("camera", "name")), Column(("tags", EACH)),
        Column(("params", EACH), ("name", "value")),
    )  # fmt: skip
    terms = (Variable("Id"), Constant("front"), Variable("T"), Variable("_"), Variable("V"))
    assert asked.atoms == (Atom("image", terms),)
    assert asked.comparisons[0] == Comparison(Variable("V"), ">=", Constant(3))
    assert asked.shown == ("Id", "V")
    bare = question(":- ivcap_artifact(Id, Name, MimeType), MimeType = 'image/jpeg', Copy = Id.")
    assert bare.shown == ("Id", "Name", "MimeType", "Copy")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "asks for nothing"),
        (":- ivcap_artifact(A, B, C)", "'.' was expected"),
        (":- ivcap_artifact(A, B).", "takes 3 terms"),
        (":- other(A).", "no predicate 'other'"),
        (":- ivcap_job(A, B, C), !ivcap_job(A, B, C).", "Negation"),
        (":- ivcap_job(A, B, C) |> do fn:group_by(A).", "Aggregation"),
        (":- ivcap_job(A, B, C), D > 3.", "'D'"),
        ("query(X) :- ivcap_job(A, B, C).", "'X'"),
        ("query(X) :- X = Y, Y = X.", "'X'"),
        ("other(A) :- ivcap_job(A, B, C).", "The rule that asks"),
        (":- ivcap_service(A, B). :- ivcap_service(A, B).", "one rule"),
        (':load_aspect(/ivcap_job, "urn:s:1", [".a"]).', "already"),
        (':load_aspect(/a, "urn:s:1", ["a b"]).', "neither"),
        (':load_aspect(/a, "urn:s:1", [".x' + "|y" * 40 + '"]).', "columns"),
        (":- " + "ivcap_service(A, B), " * 20 + "A = B.", "at most 16"),
        (":- ivcap_service(A, B), B = 1e999.", "too large"),
        ("#" * (MAX_LENGTH + 1), "longer"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(text, reason):
    with pytest.raises(Invalid, match=reason) as refused:
        question(text)
    assert refused.value.field == "query"


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40).map("".join))
def test_whatever_is_sent_is_read_or_refused(text):
    try:
        asked = question(text)
    except Invalid:
        return
    widths = {**BUILT_IN, **{name: load.width for name, load in asked.loads.items()}}
    assert all(widths[atom.predicate] == len(atom.terms) for atom in asked.atoms)


@given(st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"])))
def test_a_text_means_what_it_says(text):
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert question(f':- ivcap_service("{quoted}", B).').atoms[0].terms[0] == Constant(text)


def test_an_aspect_makes_a_row_for_each_item_of_its_lists():
    columns = parse_question(f"{LOAD} :- ivcap_service(A, B).").loads["image"].columns
    content: dict[str, Any] = {
        "camera": {"name": "front"},
        "tags": ["a", "b"],
        "params": [{"name": "iso", "value": 100}, {"name": "broken"}, 5, {"name": "f", "value": False}],
    }
    assert list(rows_of(columns, "urn:e", content)) == [
        ("urn:e", "front", "a", "iso", 100),
        ("urn:e", "front", "a", "f", False),
        ("urn:e", "front", "b", "iso", 100),
        ("urn:e", "front", "b", "f", False),
    ]
    assert list(rows_of(columns, "urn:e", {**content, "camera": None})) == []
    assert list(rows_of(columns, "urn:e", {"tags": 3})) == []


values = st.sampled_from([0, 1, 1.0, True, "1", "a", [1], {"k": 1}])
terms = st.sampled_from([*map(Variable, "XYZ_"), Constant(1), Constant(True), Constant("a")])
operators = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])


@st.composite
def asked_with_rows(draw):
    """A question over small relations, and the rows of each of its atoms."""
    atoms = draw(st.lists(st.builds(Atom, st.just("r"), st.tuples(terms, terms)), min_size=1, max_size=3))
    named = sorted({term.name for atom in atoms for term in atom.terms if isinstance(term, Variable)} - {"_"})
    side = st.sampled_from([*map(Variable, named), Constant(1), Constant("a")])
    comparisons = draw(st.lists(st.builds(Comparison, side, operators, side), max_size=2))
    if named and draw(st.booleans()):
        comparisons.append(Comparison(Variable("New"), "=", Variable(named[0])))
        named.append("New")
    asked = Question(loads={}, atoms=tuple(atoms), comparisons=tuple(comparisons), shown=tuple(named))
    return asked, [draw(st.lists(st.tuples(values, values), max_size=4)) for _ in atoms]


def same(left: Any, right: Any) -> bool:
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def holds(comparison: Comparison, known: dict[str, Any]) -> bool:
    left, right = (
        side.value if isinstance(side, Constant) else known[side.name] for side in (comparison.left, comparison.right)
    )
    if comparison.operator in ("=", "!="):
        return same(left, right) == (comparison.operator == "=")
    if any(isinstance(one, bool | list | dict) for one in (left, right)):
        return False
    if isinstance(left, str) != isinstance(right, str):
        return False
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[comparison.operator]


def bound(asked: Question, rows: tuple[tuple[Any, ...], ...]) -> dict[str, Any] | None:
    known: dict[str, Any] = {}
    for atom, row in zip(asked.atoms, rows, strict=True):
        for term, value in zip(atom.terms, row, strict=True):
            if isinstance(term, Constant):
                if not same(term.value, value):
                    return None
            elif term.name != "_" and not same(known.setdefault(term.name, value), value):
                return None
    for name in asked.shown:
        known.setdefault(name, known.get(asked.shown[0]))
    return known if all(holds(comparison, known) for comparison in asked.comparisons) else None


@given(asked_with_rows())
def test_the_answers_are_those_of_trying_every_combination(case):
    asked, relations = case
    expected: list[dict[str, Any]] = []
    for rows in itertools.product(*relations):
        known = bound(asked, rows)
        if known is not None:
            answer = {name: known[name] for name in asked.shown}
            if not any(all(same(answer[name], old[name]) for name in answer) for old in expected):
                expected.append(answer)
    found = answers(asked, relations, limit=1000)
    assert len(found) == len(expected)
    assert all(any(all(same(one[name], other[name]) for name in one) for other in expected) for one in found)
    assert answers(asked, relations, limit=1) == found[:1]


def test_a_question_that_explodes_is_stopped(monkeypatch):
    monkeypatch.setattr(datalog_answers, "MAX_STEPS", 10_000)
    asked = question(":- ivcap_service(A, B), ivcap_service(C, D), A = C, B > D.")
    with pytest.raises(Invalid, match="too many steps"):
        answers(asked, [[(1, 1)] * 1000] * 2, limit=50)
