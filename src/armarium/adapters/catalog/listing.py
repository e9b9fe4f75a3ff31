"""How a listing is answered. Three plans:

    few     some condition has an index that finds few artifacts: take those, check the rest, sort
    along   walk an index that has the order already, checking conditions on the way, until the page is full
    sort    no index has the order: look at everything and sort

Pages come from runs of rows (`Segment`), each a plain range of an index, so that page 10,000 costs what page 1 does.
"""

from collections.abc import Hashable, Sequence
from typing import Any

from armarium.adapters.catalog.compiled import Build, Compiler
from armarium.adapters.catalog.executor import Executor
from armarium.adapters.catalog.fields import field_name, scope_of
from armarium.adapters.catalog.filters import Shape, read_condition
from armarium.adapters.catalog.rows import artifact_of, json_list
from armarium.adapters.catalog.statements import artifacts as artifact_sql
from armarium.adapters.catalog.statements import listings as sql
from armarium.adapters.catalog.statements.listings import DRAFTED, Range, Segment, Walk, Within
from armarium.domain.artifact import Artifact
from armarium.domain.identifiers import ArtifactId
from armarium.domain.query import BUILT_IN, CHILD_COUNT, Cursor, FacetValue, Field, Query, Stage
from armarium.domain.sort_keys import value_of
from armarium.ports.catalog import Page

FEW = 3000
"""So many candidates are sorted faster than an index is walked."""
QUICK = 300
"""So many are looked at faster than another thread is asked."""

Row = tuple[str, Any]
"""An id and the key it is sorted by."""


def _within(query: Query) -> Within:
    if query.parent_id is not None:
        return Within.PARENT
    if query.parent_ids is not None:
        return Within.PARENTS
    if query.workspace is not None:
        return Within.ROOTS if query.roots_only else Within.WORKSPACE
    return Within.ALL_ROOTS if query.roots_only else Within.ALL


class Listing:
    """One query on its way to an answer."""

    def __init__(self, executor: Executor, compiler: Compiler, query: Query) -> None:
        self._executor = executor
        self._compiler = compiler
        self._query = query
        condition = read_condition(query.where)
        self._range = Range(_within(query), query.stage, condition.conjuncts)
        order = query.order.field
        by_column = order.source == "artifact" and order.path in BUILT_IN | {CHILD_COUNT}
        self._column = order.path if by_column else None
        self._long = False  # most pages are quick; one that is not moves to another thread by itself
        after = query.after
        self._values: dict[str, Any] = {
            **condition.values,
            "workspace": query.workspace,
            "parent_id": query.parent_id,
            "parent_ids": json_list(query.parent_ids or ()),
            "scope": scope_of(query.workspace or "", query.parent_id),
            "order_name": None if by_column else field_name(order.source, order.path),
            "key": after.key if after else None,
            "id": after.id if after else None,
        }

    async def page(self) -> Page:
        limit = self._query.limit
        if limit <= 0 or await self._is_nowhere():
            return Page([], None)
        rows = await self._rows(limit + 1 if self._query.wants_next else limit)
        last = rows[limit - 1] if len(rows) > limit else None
        return Page(await self._artifacts(rows[:limit]), Cursor(last[1], last[0]) if last else None)

    async def ids(self) -> list[ArtifactId]:
        if self._query.limit <= 0 or await self._is_nowhere():
            return []
        shape, number = await self._best_candidates()
        what = self._range if shape is None else self._narrowed(shape)
        rows = await self._fetch(sql.ids, what, long=shape is None or number > QUICK, limit=self._query.limit)
        return [ArtifactId(row[0]) for row in rows]

    async def count(self) -> int:
        if await self._is_nowhere():
            return 0
        shape, number = await self._best_candidates()
        what = self._range if shape is None else self._narrowed(shape)
        rows = await self._fetch(sql.count, what, long=shape is None or number > QUICK)
        return int(rows[0][0])

    async def facets(self, fields: Sequence[Field], most: int) -> dict[Field, list[FacetValue]]:
        names = {field_name(field.source, field.path): field for field in fields}
        found: dict[Field, list[FacetValue]] = {field: [] for field in fields}
        if not names or await self._is_nowhere():
            return found
        shape, number = await self._best_candidates()
        what = self._range if shape is None else self._narrowed(shape)
        rows = await self._facet_rows(what, list(names), most, long=what.candidates is None or number > QUICK)
        for name, key, text, number in sorted(rows, key=lambda row: (-row[3], row[1])):
            found[names[name]].append(FacetValue(value_of(key, text), int(number)))
        return found

    async def _facet_rows(self, what: Range, names: list[str], most: int, *, long: bool) -> list[Any]:
        if not sql.along_fields(what):
            return await self._fetch(sql.facets, what, long=long, facet_names=json_list(names), most=most)
        of_number = {f"name_{number}": name for number, name in enumerate(names)}
        return await self._fetch(sql.facets_along_fields, what, len(names), long=long, most=most, **of_number)

    async def _is_nowhere(self) -> bool:
        """Whether the parent is a contradiction: asked of root artifacts, or of another workspace."""
        query = self._query
        if query.parent_id is None:
            return False
        if query.roots_only:
            return True
        if query.workspace is None:
            return False
        rows = await self._fetch(artifact_sql.scope_of_artifact, artifact_id=query.parent_id)
        return not rows or rows[0][0] != query.workspace

    async def _artifacts(self, rows: list[Row]) -> list[Artifact]:
        if not rows:
            return []
        found = await self._fetch(artifact_sql.artifacts_of_ids, ids=json_list(id_ for id_, _ in rows))
        artifacts = {row[0]: artifact_of(row) for row in found}
        return [artifacts[id_] for id_, _ in rows if id_ in artifacts]

    # plans

    async def _rows(self, number: int) -> list[Row]:
        few = await self._with_candidates()
        if few is not None:
            return await self._sorted(few, number)
        if self._column == CHILD_COUNT or (self._column is None and not self._range.within.is_scope):
            self._long = True
            return await self._sorted(self._range, number)
        return await self._along(number)

    async def _with_candidates(self) -> Range | None:
        """The range narrowed to the most selective condition an index knows, if it finds few."""
        shape, number = await self._best_candidates()
        if shape is None or number > FEW:
            return None
        self._long = number > QUICK
        return self._narrowed(shape)

    def _narrowed(self, shape: Shape) -> Range:
        what = self._range
        return Range(what.within, what.stage, what.conjuncts, shape)

    async def _best_candidates(self) -> tuple[Shape | None, int]:
        """The condition whose index finds the fewest, and how many; counted no further than matters."""
        shapes = [shape for shape in self._range.conjuncts if sql.is_indexed(shape, self._range.within)]
        if self._range.stage is Stage.DRAFTED:
            shapes.append(DRAFTED)
        counted = [await self._count_candidates(shape, number) for number, shape in enumerate(shapes)]
        return min(counted, key=lambda candidates: candidates[1], default=(None, 0))

    async def _count_candidates(self, shape: Shape, number: int) -> tuple[Shape, int]:
        """A shape for what another one finds, and how many that are. What it costs to look up words is paid once."""
        within = self._range.within
        if "keyword" not in str(shape):
            rows = await self._fetch(sql.count_candidates, shape, within, limit=FEW + 1)
            return shape, int(rows[0][0])
        found = [row[0] for row in await self._fetch(sql.some_candidates, shape, within, long=True, limit=FEW + 1)]
        if len(found) > FEW:
            return shape, len(found)
        self._values[f"found_{number}"] = json_list(found)
        return (sql.FOUND, f"found_{number}"), len(found)

    async def _sorted(self, what: Range, number: int) -> list[Row]:
        after = self._query.after
        segment = Segment.ALL if after is None else Segment.AFTER
        if after is not None and self._column is None and after.key is None:
            segment = Segment.LACKING_AFTER
        return await self._fetch_rows(sql.walk, what, self._walk(segment), limit=number, offset=self._query.offset)

    async def _along(self, number: int) -> list[Row]:
        """Fill a page from one run of rows after the other."""
        rows: list[Row] = []
        offset = self._query.offset
        for segment in self._segments():
            part = await self._run(segment, number - len(rows), offset)
            rows += part
            if part:
                offset = 0
            elif offset:
                offset -= min(offset, await self._count_run(segment))
            if len(rows) >= number:
                break
        return rows

    def _segments(self) -> list[Segment]:
        after = self._query.after
        if self._column == "id":
            return [Segment.ALL if after is None else Segment.AFTER]
        if after is None:
            segments = [Segment.ALL]
        elif after.key is None:
            return [Segment.LACKING_AFTER]
        else:
            segments = [Segment.SAME, Segment.BEYOND]
        return segments if self._column else [*segments, Segment.LACKING]

    async def _run(self, segment: Segment, number: int, offset: int) -> list[Row]:
        # Our indexes have equal keys in id order only one way: numbers falling, fields rising.
        against = self._query.order.descending == (self._column is None) and self._column != "id"
        if against and not offset and segment in (Segment.ALL, Segment.BEYOND):
            return await self._run_against(segment, number)
        statement = sql.scan_fields if self._is_scan(segment) else sql.walk
        return await self._fetch_rows(statement, self._range, self._walk(segment), limit=number, offset=offset)

    def _is_scan(self, segment: Segment) -> bool:
        return self._column is None and segment not in (Segment.LACKING, Segment.LACKING_AFTER)

    async def _run_against(self, segment: Segment, number: int) -> list[Row]:
        """Walk an index backwards though equal keys must come forwards.

        Take a page with equal keys in any order. All of it is right but the last key, of which other rows may
        come first: those are fetched in their order. Sorting all equal keys could mean everything.
        """
        scan = self._is_scan(segment)
        walk, loosely = (sql.scan_fields, sql.scan_fields_loosely) if scan else (sql.walk, sql.walk_loosely)
        loose = await self._fetch_rows(loosely, self._range, self._walk(segment), limit=number)
        edge = loose[-1][1] if len(loose) == number else None
        rows = sorted((row for row in loose if row[1] != edge), key=lambda row: row[0])
        rows.sort(key=lambda row: row[1], reverse=self._query.order.descending)
        if edge is None:
            return rows
        self._values["edge"] = edge
        left = number - len(rows)
        return rows + await self._fetch_rows(walk, self._range, self._walk(Segment.AT), limit=left, offset=0)

    async def _count_run(self, segment: Segment) -> int:
        statement = sql.count_fields if self._is_scan(segment) else sql.count_walk
        rows = await self._fetch(statement, self._range, self._walk(segment), long=True)
        return int(rows[0][0])

    # statements

    def _walk(self, segment: Segment) -> Walk:
        return Walk(self._column, self._query.order.descending, segment)

    async def _fetch_rows(self, build: Build, *shape: Hashable, **values: Any) -> list[Row]:
        return await self._fetch(build, *shape, long=self._long, **values)

    async def _fetch(self, build: Build, *shape: Hashable, long: bool = False, **values: Any) -> list[Any]:
        statement = self._compiler(build, *shape)
        return await self._executor.fetch_all(statement.sql, statement.bind({**self._values, **values}), long=long)
