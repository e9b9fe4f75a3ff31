"""What every catalog must answer when asked for a listing, held against the oracle."""

import os
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armarium.domain.errors import Invalid
from armarium.domain.identifiers import ArtifactId
from armarium.domain.query import (
    CHILD_COUNT,
    AllOf,
    AnyOf,
    Condition,
    Cursor,
    Equals,
    Field,
    Keyword,
    Order,
    Query,
    Stage,
)
from armarium.domain.sort_keys import sort_key
from armarium.ports.catalog import Catalog
from armarium.testing.contracts import oracle, searches
from armarium.testing.contracts.catalog_fixtures import an_artifact, clock, insert, write_known
from armarium.testing.contracts.oracle import Known

EXAMPLES = "CONTRACT_EXAMPLES"
"""The variable of the environment that says how many random searches each test makes."""

_ACROSS = settings(
    max_examples=int(os.environ.get(EXAMPLES, "150")),
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,  # each example has a workspace of its own
        HealthCheck.differing_executors,  # the suite is there to be subclassed
        HealthCheck.too_slow,
    ],
)

_drawn = st.fixed_dictionaries(
    {
        "manifest": searches.MANIFESTS,
        "config": searches.MANIFESTS,
        "type": searches.TYPES,
        "created_by": st.sampled_from(["ada", "grace"]),
        "created_at": searches.TIMES,
        "modified_at": searches.TIMES,
        "view_count": searches.COUNTS,
        "download_count": searches.COUNTS,
        "committed": st.booleans(),
        "drafted": st.booleans(),
    }
)


async def _a_tree(catalog: Catalog, descriptions: list[dict[str, Any]], *, below: Known | None = None) -> list[Known]:
    """Root artifacts in a workspace of their own; every other one is a child of the first, or all of `below`."""
    workspace = below.workspace if below else clock.new_id()
    known: list[Known] = []
    for number, description in enumerate(descriptions):
        parent_id = below.id if below else known[0].id if known and number % 3 else None
        id_ = clock.new_id()
        alias = f"n{id_}" if below else f"n{number}"
        known.append(Known(id=id_, alias=alias, workspace=workspace, parent_id=parent_id, **description))
    async with catalog.transaction() as tx:
        for item in known:
            await write_known(tx, item)
    return known


def _scope_of(known: list[Known], where: str) -> tuple[dict[str, Any], list[Known]]:
    """A part of a tree, as a query says it, and what is in it."""
    if where == "children":
        parent = known[0].id
        return {"parent_id": ArtifactId(parent)}, [item for item in known if item.parent_id == parent]
    candidates = [item for item in known if where == "workspace" or item.parent_id is None]
    return {"workspace": known[0].workspace, "roots_only": where == "roots"}, candidates


async def _all_pages(catalog: Catalog, **query: Any) -> list[str]:
    """Ids of all pages, by cursor."""
    ids: list[str] = []
    after: Cursor | None = None
    while True:
        page = await catalog.list_artifacts(Query(**query, after=after))
        ids += [artifact.id for artifact in page.artifacts]
        if page.next is None:
            return ids
        assert len(page.artifacts) == query["limit"]
        after = page.next


class ListingContract:
    """A suite: subclass it with a fixture `catalog`, an open and empty one."""

    @_ACROSS
    @given(
        descriptions=st.lists(_drawn, min_size=1, max_size=7),
        condition=searches.CONDITIONS,
        order=searches.ORDERS,
        stage=searches.STAGES,
        where=st.sampled_from(["children", "children", "roots", "workspace"]),
        limit=st.integers(1, 4),
        offset=st.integers(0, 4),
    )
    async def test_a_listing_is_what_plain_python_says(
        self,
        catalog: Catalog,
        descriptions: list[dict[str, Any]],
        condition: Condition,
        order: Order,
        stage: Stage,
        where: str,
        limit: int,
        offset: int,
    ) -> None:
        known = await _a_tree(catalog, descriptions)
        scope, candidates = _scope_of(known, where)
        found = [item for item in candidates if oracle.is_listed(stage, item) and oracle.holds(condition, item)]
        expected = [item.id for item in oracle.in_order(order, found)]
        query = {**scope, "where": condition, "order": order, "stage": stage, "limit": limit}

        assert await _all_pages(catalog, **query) == expected
        page = await catalog.list_artifacts(Query(**query, offset=offset))
        assert [artifact.id for artifact in page.artifacts] == expected[offset : offset + limit]
        assert (page.next is None) == (offset + limit >= len(expected))
        assert await catalog.count_artifacts(Query(**query)) == len(expected)

    @_ACROSS
    @given(
        descriptions=st.lists(_drawn, min_size=1, max_size=7),
        condition=searches.CONDITIONS,
        fields=st.lists(searches.JSON_FIELDS, max_size=3, unique=True),
        stage=searches.STAGES,
        where=st.sampled_from(["children", "roots", "workspace"]),
        most=st.integers(1, 4),
    )
    async def test_facets_are_what_plain_python_counts(
        self,
        catalog: Catalog,
        descriptions: list[dict[str, Any]],
        condition: Condition,
        fields: list[Field],
        stage: Stage,
        where: str,
        most: int,
    ) -> None:
        known = await _a_tree(catalog, descriptions)
        scope, candidates = _scope_of(known, where)
        found = [item for item in candidates if oracle.is_listed(stage, item) and oracle.holds(condition, item)]
        facets = await catalog.facets(Query(**scope, where=condition, stage=stage), fields, most=most)
        assert {field: [(sort_key(one.value), one.count) for one in values] for field, values in facets.items()} == {
            field: oracle.facet(field, found, most) for field in fields
        }

    async def test_a_facet_tells_values_as_they_are(self, catalog: Catalog) -> None:
        long = "long " * 100
        values = [long, "a\x01b", True, 1, 1.5, -3, 10**30, "1"]
        for number, value in enumerate(values):
            await an_artifact(catalog, f"a{number}", manifest={"v": [value, value], "w": value})
        for name in "vw":
            field = Field("manifest", name)
            told = (await catalog.facets(Query(workspace="ws", stage=Stage.ANY), [field], most=100))[field]
            assert [type(one.value) for one in told] == [bool, int, int, float, float, str, str, str]
            assert {(str(one.value), one.count) for one in told} == {(str(v), 1) for v in [*values[:6], 1e30, "1"]}

    async def test_a_value_alone_and_in_an_array_is_counted_once(self, catalog: Catalog) -> None:
        parent = await an_artifact(catalog, "p")
        both = {"a": {"b": "x"}, "a.b": ["x", "y"]}
        for number, manifest in enumerate([both, both, {"a": {"b": "x"}}, {"a.b": ["y"]}]):
            await an_artifact(catalog, f"a{number}", parent_id=parent, manifest=manifest)
        fields = [Field("manifest", "a.b"), Field("manifest", "missing")]
        told = await catalog.facets(Query(parent_id=parent, stage=Stage.ANY), fields, most=10)
        assert {field.path: [(one.value, one.count) for one in values] for field, values in told.items()} == {
            "a.b": [("x", 3), ("y", 3)], "missing": [],
        }  # fmt: skip

    @pytest.mark.parametrize("where", ["children", "roots", "workspace"])
    async def test_the_plan_of_a_listing_is_told(self, catalog: Catalog, where: str) -> None:
        parent = await an_artifact(catalog, "p")
        scopes: dict[str, dict[str, Any]] = {"children": {"parent_id": parent}, "roots": {"roots_only": True}}
        condition = AllOf((Equals(Field("manifest", "a"), "sesame"), Keyword("sesame")))
        for order in (Order(), Order(Field("manifest", "b"), descending=True)):
            steps = await catalog.explain_artifacts(
                Query(workspace="ws", where=condition, order=order, **scopes.get(where, {}))
            )
            assert len(steps) > 1
            assert all(step.plan and step.statement.startswith(("SELECT", "WITH")) for step in steps)
            assert not any("sesame" in step.statement for step in steps)

    @_ACROSS
    @given(descriptions=st.lists(_drawn, min_size=2, max_size=7), order=searches.ORDERS, offset=st.integers(0, 3))
    async def test_an_offset_counts_from_the_cursor(
        self, catalog: Catalog, descriptions: list[dict[str, Any]], order: Order, offset: int
    ) -> None:
        known = await _a_tree(catalog, descriptions)
        query: dict[str, Any] = {
            "workspace": known[0].workspace,
            "order": order,
            "stage": Stage.ANY,
            "roots_only": True,
        }
        roots = [item for item in known if item.parent_id is None]
        expected = [item.id for item in oracle.in_order(order, roots)]
        first = await catalog.list_artifacts(Query(**query, limit=1))
        if first.next is not None:
            page = await catalog.list_artifacts(Query(**query, after=first.next, offset=offset))
            assert [artifact.id for artifact in page.artifacts] == expected[1 + offset :]

    @_ACROSS
    @given(
        descriptions=st.lists(_drawn, min_size=1, max_size=6),
        late=st.lists(_drawn, min_size=1, max_size=4),
        condition=searches.CONDITIONS,
        order=searches.ORDERS,
        stage=searches.STAGES,
        where=st.sampled_from(["children", "roots", "workspace"]),
        limit=st.integers(1, 3),
    )
    async def test_pages_are_right_while_rows_are_added(
        self,
        catalog: Catalog,
        descriptions: list[dict[str, Any]],
        late: list[dict[str, Any]],
        condition: Condition,
        order: Order,
        stage: Stage,
        where: str,
        limit: int,
    ) -> None:
        known = await _a_tree(catalog, descriptions)
        scope, candidates = _scope_of(known, where)
        before = [item for item in candidates if oracle.is_listed(stage, item) and oracle.holds(condition, item)]
        seen: list[str] = []
        query = Query(**scope, where=condition, order=order, stage=stage, limit=limit)
        while True:
            page = await catalog.list_artifacts(query)
            seen += [artifact.id for artifact in page.artifacts]
            if page.next is None:
                break
            if late:
                known += await _a_tree(catalog, [late.pop()], below=known[0])
            query = msgspec.structs.replace(query, after=page.next)
        matching = [item for item in _scope_of(known, where)[1] if oracle.holds(condition, item)]
        listed = [item for item in oracle.in_order(order, matching) if oracle.is_listed(stage, item)]
        assert seen == [item.id for item in listed if item.id in seen]
        assert {item.id for item in before} <= set(seen)

    async def test_pages_stay_put_while_rows_are_added(self, catalog: Catalog) -> None:
        order = Order(Field("manifest", "rank"), descending=True)
        async with catalog.transaction() as tx:
            before = [await insert(tx, f"a{n}", manifest={"rank": n % 3}) for n in range(30)]
        query = Query(workspace="ws", stage=Stage.ANY, order=order, limit=7)
        seen: list[str] = []
        page = await catalog.list_artifacts(query)
        while True:
            seen += [artifact.id for artifact in page.artifacts]
            await an_artifact(catalog, f"late{len(seen)}", manifest={"rank": len(seen) % 4})
            if page.next is None:
                break
            page = await catalog.list_artifacts(
                Query(workspace="ws", stage=Stage.ANY, order=order, limit=7, after=page.next)
            )
        assert len(seen) == len(set(seen))
        assert set(before) <= set(seen)

    async def test_a_parent_in_another_workspace_has_no_children_here(self, catalog: Catalog) -> None:
        parent = await an_artifact(catalog, "p")
        await an_artifact(catalog, "c", parent_id=parent)
        for where in ({"workspace": "other"}, {"roots_only": True}):
            query = Query(parent_id=parent, stage=Stage.ANY, **where)
            assert (await catalog.list_artifacts(query)).artifacts == []
            assert await catalog.count_artifacts(query) == 0
        both = Query(parent_id=parent, workspace="ws", stage=Stage.ANY)
        assert len((await catalog.list_artifacts(both)).artifacts) == 1

    async def test_several_parents_are_listed_as_one(self, catalog: Catalog) -> None:
        parents = [await an_artifact(catalog, f"p{number}") for number in range(3)]
        children = [
            await an_artifact(catalog, f"c{number}", parent_id=parents[number % 3], manifest={"n": -number})
            for number in range(9)
        ]
        wanted = [child for number, child in enumerate(children) if number % 3 != 2]
        within: dict[str, Any] = {
            "workspace": "ws",
            "parent_ids": (parents[0], parents[1]),
            "stage": Stage.ANY,
            "limit": 2,
        }
        assert await _all_pages(catalog, **within) == wanted
        assert await _all_pages(catalog, **within, order=Order(Field("manifest", "n"))) == wanted[::-1]
        assert await catalog.count_artifacts(Query(**within)) == 6

    async def test_an_order_by_the_number_of_children(self, catalog: Catalog) -> None:
        root = await an_artifact(catalog, "root")
        parents = [await an_artifact(catalog, f"p{number}", parent_id=root) for number in range(5)]
        for number, parent in enumerate(parents):
            for child in range(number // 2):
                await an_artifact(catalog, f"c{number}-{child}", parent_id=parent)
        within: dict[str, Any] = {"parent_id": root, "stage": Stage.ANY, "limit": 2}
        fullest_first = [parents[number] for number in (4, 2, 3, 0, 1)]
        order = Order(Field("artifact", CHILD_COUNT), descending=True)
        assert await _all_pages(catalog, **within, order=order) == fullest_first

    async def test_a_limit_of_nothing_is_an_empty_page(self, catalog: Catalog) -> None:
        await an_artifact(catalog)
        page = await catalog.list_artifacts(Query(stage=Stage.ANY, limit=0))
        assert (page.artifacts, page.next) == ([], None)

    async def test_moving_an_artifact_moves_what_searches_find(self, catalog: Catalog) -> None:
        where = Equals(Field("manifest", "a"), 1)
        first, second = await an_artifact(catalog, "p1"), await an_artifact(catalog, "p2")
        child = await an_artifact(catalog, "c", parent_id=first, manifest={"a": 1})
        for parent in (second, None):
            async with catalog.transaction() as tx:
                await tx.set_parent(child, parent)
            inside = {"parent_id": parent} if parent else {"workspace": "ws", "roots_only": True}
            found = await catalog.list_artifacts(Query(stage=Stage.ANY, where=where, **inside))
            assert [artifact.id for artifact in found.artifacts] == [child]
            gone = await catalog.list_artifacts(Query(stage=Stage.ANY, where=where, parent_id=first))
            assert gone.artifacts == []

    async def test_orphans_are_found_among_the_roots(self, catalog: Catalog) -> None:
        parent = await an_artifact(catalog, "p")
        child = await an_artifact(catalog, "c", parent_id=parent, manifest={"a": 1})
        async with catalog.transaction() as tx:
            await tx.orphan_children(parent)
        where = Equals(Field("manifest", "a"), 1)
        query = Query(workspace="ws", roots_only=True, stage=Stage.ANY, where=where)
        assert [artifact.id for artifact in (await catalog.list_artifacts(query)).artifacts] == [child]

    async def test_a_writer_finds_its_own_words(self, catalog: Catalog) -> None:
        async with catalog.transaction() as tx:
            artifact_id = await insert(tx, "a", manifest={"name": "Ein Glühwürmchen"})
            query = Query(stage=Stage.ANY, where=Keyword("glühWÜRM"))
            assert [artifact.id for artifact in (await tx.list_artifacts(query)).artifacts] == [artifact_id]
            assert (await catalog.list_artifacts(query)).artifacts == []
        assert [artifact.id for artifact in (await catalog.list_artifacts(query)).artifacts] == [artifact_id]

    async def test_a_search_of_endless_conditions_is_refused(self, catalog: Catalog) -> None:
        many = AnyOf(tuple(Equals(Field("manifest", "a"), number) for number in range(1000)))
        with pytest.raises(Invalid, match="conditions"):
            await catalog.list_artifacts(Query(where=AllOf((many,))))

    async def test_text_that_is_no_unicode_is_refused(self, catalog: Catalog) -> None:
        with pytest.raises(Invalid, match="Unicode"):
            await catalog.list_artifacts(Query(where=Equals(Field("manifest", "a"), "\ud800")))
