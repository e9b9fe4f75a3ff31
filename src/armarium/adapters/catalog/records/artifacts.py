"""Artifacts: found, listed, published, moved, removed."""

from collections.abc import Iterable, Sequence

import msgspec

from armarium.adapters.catalog.explain import Explaining
from armarium.adapters.catalog.fields import FieldRow, field_name, field_rows, scope_of
from armarium.adapters.catalog.listing import Listing
from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.rows import artifact_of, found_of, json_list, json_text
from armarium.adapters.catalog.statements import artifacts as sql
from armarium.adapters.catalog.statements import fields as field_sql
from armarium.adapters.catalog.statements import versions as version_sql
from armarium.domain.artifact import Artifact, Found
from armarium.domain.identifiers import ArtifactId, ArtifactRef, ByAlias
from armarium.domain.manifest import IndexedScalar
from armarium.domain.query import FacetValue, Field, PlanStep, Query
from armarium.domain.sort_keys import sort_key
from armarium.ports.catalog import Page

_BEHIND_ALL = "\U0010ffff"
"""Sorts behind everything a field's path may go on with."""


def _place(row: FieldRow) -> tuple[str, int, str]:
    return row[:3]


class ArtifactReader(Records):
    async def find_artifact(
        self, ref: ArtifactRef, *, viewer: str | None = None, count_children: bool = False, shared: bool = False
    ) -> Found | None:
        named = {"workspace": ref.workspace, "alias": ref.alias} if isinstance(ref, ByAlias) else {"id": ref.id}
        return await self._make(
            found_of, sql.find_artifact, isinstance(ref, ByAlias), count_children, viewer=viewer, **named
        )

    async def find_artifacts(self, ids: Sequence[ArtifactId]) -> dict[ArtifactId, Artifact]:
        rows = await self._all(sql.artifacts_of_ids, ids=json_list(ids)) if ids else []
        return {row[0]: artifact_of(row) for row in rows}

    async def list_artifacts(self, query: Query) -> Page:
        return await Listing(self._executor, self._compiler, query).page()

    async def artifact_ids(self, query: Query) -> list[ArtifactId]:
        return await Listing(self._executor, self._compiler, query).ids()

    async def count_artifacts(self, query: Query) -> int:
        return await Listing(self._executor, self._compiler, query).count()

    async def facets(self, query: Query, fields: Sequence[Field], *, most: int) -> dict[Field, list[FacetValue]]:
        return await Listing(self._executor, self._compiler, query).facets(fields, most)

    async def explain_artifacts(self, query: Query) -> list[PlanStep]:
        explaining = Explaining(self._executor, self._compiler.dialect)
        await Listing(explaining, self._compiler, query).page()
        return explaining.steps

    async def child_counts(self, parent_ids: Sequence[ArtifactId]) -> dict[ArtifactId, int]:
        return dict(await self._all(sql.child_counts, parents=json_list(parent_ids))) if parent_ids else {}

    async def family_counts(self, ids: Sequence[ArtifactId]) -> dict[ArtifactId, tuple[int, int]]:
        if not ids:
            return {}
        name = field_name("config", "is_collection")
        rows = await self._all(sql.family_counts, parents=json_list(ids), name=name, value=sort_key(True))
        return {parent_id: (int(collections), int(others)) for parent_id, collections, others in rows}

    async def child_values(self, parent_id: ArtifactId, field: Field) -> list[str]:
        name = field_name(field.source, field.path)
        rows = await self._all(field_sql.child_values, scope=parent_id, name=name, first="s", end="t")
        return sorted({key[1:] for (key,) in rows})

    async def child_paths(self, parent_id: ArtifactId, prefix: Field) -> list[str]:
        first = field_name(prefix.source, prefix.path)
        rows = await self._all(field_sql.child_names, scope=parent_id, first=first, end=first + _BEHIND_ALL)
        return sorted(name.partition(".")[2] for (name,) in rows)

    async def child_ids(self, parent_id: ArtifactId) -> list[ArtifactId]:
        return [row[0] for row in await self._all(sql.child_ids, parent_id=parent_id)]


class ArtifactWriter(ArtifactReader):
    """changed_text: whether the text index has something to catch up with."""

    changed_text = False

    async def insert_artifact(
        self,
        *,
        id: ArtifactId,
        workspace: str,
        alias: str,
        parent_id: ArtifactId | None,
        type: str,
        manifest: msgspec.Raw,
        config: msgspec.Raw,
        created_by: str,
        now: float,
        fields: Iterable[tuple[str, IndexedScalar]],
    ) -> bool:
        inserted = await self._one(
            sql.insert_artifact,
            id=id,
            workspace=workspace,
            alias=alias,
            parent_id=parent_id,
            type=type,
            manifest=json_text(manifest),
            config=json_text(config),
            created_by=created_by,
            created_at=int(now),
            modified_at=int(now),
            view_count=0.0,
            download_count=0.0,
            file_count=0,
        )
        if inserted is None:
            return False
        await self._insert_fields(id, scope_of(workspace, parent_id), field_rows(fields))
        await self._note_text(id, json_text(manifest), is_new=True)
        return True

    async def _note_text(self, artifact_id: ArtifactId, manifest: str, *, is_new: bool) -> None:
        """Have the text index know a manifest, before it is published; is_new: there was none."""
        if is_new:
            changed = await self._change(sql.await_text, artifact_id=artifact_id)
        else:
            changed = await self._change(sql.await_changed_text, artifact_id=artifact_id, manifest=manifest)
        self.changed_text = self.changed_text or changed > 0

    async def publish(
        self,
        artifact_id: ArtifactId,
        *,
        type: str,
        manifest: msgspec.Raw,
        config: msgspec.Raw,
        now: float,
        fields: Iterable[tuple[str, IndexedScalar]] | None,
        file_count: int | None = None,
    ) -> None:
        text = json_text(manifest)
        if fields is not None:
            await self._note_text(artifact_id, text, is_new=False)
        await self._change(
            sql.publish,
            file_count is not None,
            artifact_id=artifact_id,
            type=type,
            manifest=text,
            config=json_text(config),
            modified_at=int(now),
            file_count=file_count,
        )
        if fields is not None:
            await self._replace_fields(artifact_id, field_rows(fields))

    async def _replace_fields(self, artifact_id: ArtifactId, wanted: set[FieldRow]) -> None:
        """Write only the rows that differ; most publications change a few of many."""
        present = set(await self._all(sql.fields_of_artifact, artifact_id=artifact_id))
        gone = [
            {"artifact_id": artifact_id, "name": name, "element": element, "value": value}
            for name, element, value, _ in present - wanted
        ]
        if gone:
            await self._change_many(sql.delete_fields, gone)
        fresh = wanted - present
        if fresh:
            scope = await self._scope(artifact_id)
            if scope is not None:
                await self._insert_fields(artifact_id, scope, fresh)

    async def _insert_fields(self, artifact_id: ArtifactId, scope: str, rows: set[FieldRow]) -> None:
        named = (
            {"artifact_id": artifact_id, "scope": scope, "name": name, "element": element, "value": value, "text": text}
            for name, element, value, text in sorted(rows, key=_place)  # neighbours share pages
        )
        if rows:
            await self._change_many(sql.insert_fields, named)

    async def _scope(self, artifact_id: ArtifactId) -> str | None:
        row = await self._one(sql.scope_of_artifact, artifact_id=artifact_id)
        return scope_of(row[0], row[1]) if row is not None else None

    async def reset_artifact(self, artifact_id: ArtifactId, *, created_by: str, now: float) -> None:
        for statement in (version_sql.delete_versions, version_sql.delete_draft, version_sql.delete_staged_files):
            await self._change(statement, artifact_id=artifact_id)
        for staged in (0, 1):
            await self._change(version_sql.delete_secrets, False, artifact_id=artifact_id, staged=staged)
        await self._change(sql.delete_days, artifact_id=artifact_id)
        await self._change(sql.reset_artifact, artifact_id=artifact_id, created_by=created_by, created_at=int(now))

    async def set_parent(self, artifact_id: ArtifactId, parent_id: ArtifactId | None) -> None:
        await self._change(sql.set_parent, artifact_id=artifact_id, parent_id=parent_id)
        scope = await self._scope(artifact_id)
        await self._change(sql.move_fields, artifact_id=artifact_id, scope=scope)

    async def orphan_children(self, parent_id: ArtifactId) -> None:
        await self._orphan([parent_id])

    async def _orphan(self, parents: Sequence[ArtifactId]) -> None:
        await self._change(sql.orphan_fields, parents=json_list(parents))
        await self._change(sql.orphan_children, parents=json_list(parents))

    async def delete_artifacts(self, artifact_ids: Sequence[ArtifactId]) -> None:
        await self._orphan(artifact_ids)
        await self._change(sql.delete_artifacts, ids=json_list(artifact_ids))
