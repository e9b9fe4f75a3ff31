"""Every statement is SQL in both dialects, and says the same parameters in both."""

import inspect
import itertools

import pytest
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg

from armarium.adapters.catalog.compiled import Compiler
from armarium.adapters.catalog.filters import read_condition
from armarium.adapters.catalog.statements import accounts, artifacts, aspects, files, jobs, listings, requests, versions
from armarium.adapters.catalog.statements.listings import Range, Segment, Walk, Within
from armarium.domain.aspect import FIELDS
from armarium.domain.query import AnyOf, Between, ContainsAny, Equals, Field, Keyword, Matches, Stage


def _plain_statements():
    """Every public function of the statement modules with every combination of its flags."""
    for module in (accounts, artifacts, files, jobs, requests, versions):
        for name, build in inspect.getmembers(module, inspect.isfunction):
            if build.__module__ == module.__name__ and not name.startswith("_"):
                flags = len(inspect.signature(build).parameters)
                for shape in itertools.product((False, True), repeat=flags):
                    yield pytest.param(build, shape, id=f"{name}{shape or ''}")


def _compiled(build, *shape):
    return [Compiler(dialect)(build, *shape) for dialect in (sqlite.dialect(paramstyle="qmark"), asyncpg.dialect())]


@pytest.mark.parametrize(("build", "shape"), list(_plain_statements()))
def test_a_statement_is_known_to_both_databases(build, shape):
    for_sqlite, for_postgres = _compiled(build, *shape)
    ours = set(for_sqlite.names) - set(for_sqlite.constants)
    assert ours == set(for_postgres.names) - set(for_postgres.constants)


@pytest.mark.parametrize("within", Within)
@pytest.mark.parametrize("segment", Segment)
def test_a_listing_is_known_to_both_databases(within, segment):
    field = Field("manifest", "a")
    condition = AnyOf(
        (Equals(field, 1), ContainsAny(field, ("a", "b")), Matches(field, "a*"), Between(field, 1, 2), Keyword("ab"))
    )
    what = Range(within, Stage.COMMITTED, read_condition(condition).conjuncts)
    for column, descending in itertools.product((None, "id", "created_at"), (False, True)):
        walk = Walk(column, descending, segment)
        statements = [listings.walk, listings.walk_loosely]
        if column is None:
            statements += [listings.scan_fields, listings.scan_fields_loosely]
        for statement in statements:
            assert all(compiled.sql for compiled in _compiled(statement, what, walk))


def test_the_statements_of_aspects_are_known_to_both_databases():
    for build in (
        aspects.insert_aspect,
        aspects.find_aspect,
        aspects.active_aspects,
        aspects.end_aspect,
        aspects.take_turn,
    ):
        assert all(compiled.sql for compiled in _compiled(build))
    for flags in itertools.product((False, True), repeat=6):
        shared, with_open, by_entity, past, by_text, after = flags
        shape = (shared, with_open, by_entity, "like", past, by_text, FIELDS, True, after)
        assert all(compiled.sql for compiled in _compiled(aspects.list_aspects, *shape))


def test_a_shape_is_compiled_once():
    compiler = Compiler(sqlite.dialect(paramstyle="qmark"))
    assert compiler(artifacts.find_artifact, True, False) is compiler(artifacts.find_artifact, True, False)


def test_no_value_of_a_user_is_part_of_a_shape():
    evil = "'; DROP TABLE artifact; --"
    conditions = (
        Equals(Field("manifest", evil), evil),
        Matches(Field("config", evil), evil),
        ContainsAny(Field("manifest", evil), (evil, 1)),
        Keyword(evil),
    )
    assert "DROP" not in str(read_condition(AnyOf(conditions)).conjuncts)
