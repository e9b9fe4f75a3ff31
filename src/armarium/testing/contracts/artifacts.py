"""Artifacts, versions, drafts, secrets and counters in any catalog."""

from typing import Any

import pytest

from armarium.domain.identifiers import ArtifactId, ByAlias, ById
from armarium.domain.manifest import encode_json
from armarium.domain.principal import Role
from armarium.domain.query import AllOf, Equals, Field, Query, Stage
from armarium.domain.version import Intent
from armarium.ports.catalog import Catalog
from armarium.testing.contracts.catalog_fixtures import (
    a_draft,
    a_slot,
    a_version,
    a_version_with,
    a_workspace,
    an_artifact,
    fields_of,
    get,
    insert,
    new_artifact_id,
    stage,
)


class ArtifactContract:
    """Needs a fixture `catalog`."""

    async def test_an_artifact_is_found_by_id_and_by_alias(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog, "a", manifest={"name": "é"}, config={"c": 1}, now=7.9)
        by_id = await catalog.find_artifact(ById(artifact_id))
        assert by_id == await catalog.find_artifact(ByAlias("ws", "a"))
        assert by_id is not None
        artifact = by_id.artifact
        assert artifact.name == "ws/a"
        assert bytes(artifact.manifest) == '{"name":"é"}'.encode()
        assert bytes(artifact.config) == b'{"c":1}'
        assert (artifact.created_at, artifact.modified_at, artifact.created_by) == (7, 7, "ada")
        assert (artifact.versions, artifact.intent, artifact.file_count) == ((), None, 0)
        assert (by_id.parent_config, by_id.membership, by_id.child_count) == (None, None, 0)

    async def test_what_is_not_there_is_none(self, catalog: Catalog) -> None:
        assert await catalog.find_artifact(ByAlias("ws", "a")) is None
        assert await catalog.find_artifact(ById(ArtifactId("x"))) is None

    async def test_a_find_brings_parent_membership_and_children(self, catalog: Catalog) -> None:
        await a_workspace(catalog, "ws", owner="ada")
        parent = await an_artifact(catalog, "p", config={"permissions": {"*": "r"}})
        child = await an_artifact(catalog, "c", parent_id=parent)
        found = await catalog.find_artifact(ById(child), viewer="ada")
        assert found is not None
        assert found.artifact.parent_name == "ws/p"
        assert found.parent_config is not None
        assert bytes(found.parent_config) == b'{"permissions":{"*":"r"}}'
        assert found.membership is Role.ADMIN
        above = await catalog.find_artifact(ById(parent), viewer="grace", count_children=True)
        assert above is not None
        assert (above.child_count, above.membership) == (1, None)

    async def test_an_alias_is_taken_once_in_a_workspace(self, catalog: Catalog) -> None:
        first = await an_artifact(catalog, "a", manifest={"n": 1})
        async with catalog.transaction() as tx:
            assert await insert(tx, "a", manifest={"n": 2}) is None
            assert await insert(tx, "a", workspace="other") is not None
        assert bytes((await get(catalog, first)).manifest) == b'{"n":1}'

    async def test_publishing_replaces_values_and_what_searches_find(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog, manifest={"a": 1, "b": 2}, now=1)
        manifest = {"a": 3, "b": 2}
        async with catalog.transaction() as tx:
            await tx.publish(
                artifact_id,
                type="model",
                manifest=encode_json("manifest", manifest),
                config=encode_json("config", {}),
                now=9,
                fields=fields_of(manifest, {}),
                file_count=4,
            )
        artifact = await get(catalog, artifact_id)
        assert (artifact.type, artifact.file_count, artifact.created_at, artifact.modified_at) == ("model", 4, 1, 9)
        for path, value, number in (("a", 1, 0), ("a", 3, 1), ("b", 2, 1)):
            where = Equals(Field("manifest", path), value)
            assert await catalog.count_artifacts(Query(workspace="ws", stage=Stage.ANY, where=where)) == number

    async def test_publishing_without_a_file_count_keeps_it(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        empty = encode_json("manifest", {})
        for given in (5, None):
            async with catalog.transaction() as tx:
                await tx.publish(
                    artifact_id, type="t", manifest=empty, config=empty, now=1, fields=[], file_count=given
                )
        assert (await get(catalog, artifact_id)).file_count == 5

    async def test_children_are_listed_oldest_first(self, catalog: Catalog) -> None:
        parent = await an_artifact(catalog, "p")
        children = [await an_artifact(catalog, f"c{n}", parent_id=parent) for n in range(3)]
        assert await catalog.child_ids(parent) == children
        assert await catalog.child_ids(children[0]) == []

    async def test_families_are_counted(self, catalog: Catalog) -> None:
        orbit = await an_artifact(catalog, "orbit")
        full = await an_artifact(catalog, "full", parent_id=orbit, config={"is_collection": True})
        await an_artifact(catalog, "empty", parent_id=orbit, config={"is_collection": True})
        await an_artifact(catalog, "loose", parent_id=orbit)
        for number in range(3):
            await an_artifact(catalog, f"m{number}", parent_id=full)
        assert await catalog.child_counts([orbit, full, new_artifact_id()]) == {orbit: 3, full: 3}
        assert await catalog.family_counts([orbit, full]) == {orbit: (2, 4), full: (0, 3)}

    async def test_what_children_say_is_gathered(self, catalog: Catalog) -> None:
        parent = await an_artifact(catalog, "p", manifest={"tags": ["not a child"]})
        children: list[dict[str, Any]] = [
            {"tags": ["b", "a"], "metrics": {"f1": 0.5, "deep": {"er": 1}}},
            {"tags": ["a", 7]},
            {"tags": "single", "metrics": {"auc": 1}, "metricsx": 1},
        ]
        for number, manifest in enumerate(children):
            await an_artifact(catalog, f"c{number}", parent_id=parent, manifest=manifest)
        assert await catalog.child_values(parent, Field("manifest", "tags")) == ["a", "b", "single"]
        found = await catalog.child_paths(parent, Field("manifest", "metrics."))
        assert found == ["metrics.auc", "metrics.deep.er", "metrics.f1"]
        assert await catalog.child_paths(new_artifact_id(), Field("manifest", "")) == []

    async def test_deleting_takes_everything_along_but_children_that_stay(self, catalog: Catalog) -> None:
        parent = await an_artifact(catalog, "p")
        child = await an_artifact(catalog, "c", parent_id=parent, manifest={"a": 1})
        version_id = await a_version_with(catalog, parent, "f.txt")
        async with catalog.transaction() as tx:
            await tx.put_draft(a_draft(parent))
            await tx.stage_files(parent, [a_slot("g.txt")])
            await tx.put_secrets(parent, {"k": b"c"})
            await tx.add_counts({parent: (1, 1)}, day="2026-01-01")
        async with catalog.transaction() as tx:
            await tx.delete_artifacts([parent])
        assert await catalog.find_artifact(ById(parent)) is None
        assert await catalog.manifest_of(version_id) is None
        assert await catalog.list_files(version_id) == []
        assert await catalog.find_draft(parent) is None
        assert await catalog.staged_files([parent]) == {}
        assert await catalog.secrets_of(parent) == {}
        assert (await get(catalog, child)).parent_id is None
        roots = Query(
            workspace="ws", roots_only=True, stage=Stage.ANY, where=AllOf((Equals(Field("manifest", "a"), 1),))
        )
        assert await catalog.count_artifacts(roots) == 1

    async def test_a_parent_and_its_children_go_together(self, catalog: Catalog) -> None:
        parent = await an_artifact(catalog, "p")
        child = await an_artifact(catalog, "c", parent_id=parent)
        async with catalog.transaction() as tx:
            await tx.delete_artifacts([parent, child])
        assert await catalog.count_artifacts(Query(stage=Stage.ANY)) == 0

    async def test_resetting_leaves_id_and_alias(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        await a_version_with(catalog, artifact_id, "f.txt")
        async with catalog.transaction() as tx:
            await tx.put_draft(a_draft(artifact_id))
            await stage(tx, artifact_id, "g.txt")
            await tx.put_secrets(artifact_id, {"k": b"c"})
            await tx.put_secrets(artifact_id, {"k": b"c"}, staged=True)
            await tx.add_counts({artifact_id: (1, 1)}, day="2026-01-01")
            await tx.reset_artifact(artifact_id, created_by="grace", now=20)
        artifact = await get(catalog, artifact_id)
        assert (artifact.alias, artifact.versions, artifact.intent) == ("a", (), None)
        assert (artifact.created_by, artifact.created_at, artifact.modified_at) == ("grace", 20, 20)
        assert (artifact.view_count, artifact.download_count, artifact.file_count) == (0, 0, 0)
        assert await catalog.staged_files([artifact_id]) == {}
        assert await catalog.secrets_of(artifact_id) == await catalog.secrets_of(artifact_id, staged=True) == {}

    async def test_versions_come_oldest_first(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        async with catalog.transaction() as tx:
            for position in (5, 0, 2):
                await a_version(tx, artifact_id, position)
        assert [version.label for version in (await get(catalog, artifact_id)).versions] == ["v0", "v2", "v5"]

    async def test_a_version_remembers_what_it_was_committed_with(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        async with catalog.transaction() as tx:
            version_id = await a_version(tx, artifact_id, 3)
        committed = await catalog.manifest_of(version_id)
        assert committed is not None
        assert (bytes(committed[0]), committed[1]) == (b'{"at":3}', "generic")
        async with catalog.transaction() as tx:
            edited = encode_json("manifest", {"edited": True})
            await tx.update_version(version_id, manifest=edited, type="model", comment="now", now=9)
            await tx.update_version(version_id, manifest=edited, type="model", now=9)
        committed = await catalog.manifest_of(version_id)
        assert committed is not None
        assert (bytes(committed[0]), committed[1]) == (b'{"edited":true}', "model")
        assert (await get(catalog, artifact_id)).versions[0].comment == "now"
        async with catalog.transaction() as tx:
            await tx.delete_version(version_id)
        assert (await get(catalog, artifact_id)).versions == ()

    async def test_a_draft_is_kept_replaced_and_removed(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        async with catalog.transaction() as tx:
            await tx.put_draft(a_draft(artifact_id))
            await tx.stage_files(artifact_id, [a_slot("f.txt")])
            await tx.put_secrets(artifact_id, {"k": b"c"}, staged=True)
            await tx.put_draft(a_draft(artifact_id, Intent.EDIT_VERSION))
        assert await catalog.find_draft(artifact_id) == a_draft(artifact_id, Intent.EDIT_VERSION)
        assert (await get(catalog, artifact_id)).intent is Intent.EDIT_VERSION
        assert len((await catalog.staged_files([artifact_id]))[artifact_id]) == 1
        async with catalog.transaction() as tx:
            await tx.delete_draft(artifact_id)
        assert await catalog.find_draft(artifact_id) is None
        assert await catalog.staged_files([artifact_id]) == {}
        assert await catalog.secrets_of(artifact_id, staged=True) == {}

    async def test_secrets_are_set_removed_and_replaced(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        async with catalog.transaction() as tx:
            await tx.put_secrets(artifact_id, {"a": b"1", "b": b"2"})
            await tx.put_secrets(artifact_id, {"a": None, "c": b"3"})
        assert await catalog.secrets_of(artifact_id) == {"b": b"2", "c": b"3"}
        async with catalog.transaction() as tx:
            await tx.put_secrets(artifact_id, {"d": b"4", "e": None}, replace=True)
        assert await catalog.secrets_of(artifact_id) == {"d": b"4"}

    async def test_staged_secrets_replace_the_published_ones(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        async with catalog.transaction() as tx:
            await tx.put_secrets(artifact_id, {"a": b"1"})
            await tx.publish_secrets(artifact_id)
        assert await catalog.secrets_of(artifact_id) == {"a": b"1"}
        async with catalog.transaction() as tx:
            await tx.put_secrets(artifact_id, {"b": b"2"}, staged=True)
            await tx.publish_secrets(artifact_id)
        assert await catalog.secrets_of(artifact_id) == {"b": b"2"}
        assert await catalog.secrets_of(artifact_id, staged=True) == {}

    async def test_counters_add_up_and_are_reset(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        async with catalog.transaction() as tx:
            await tx.add_counts({artifact_id: (2, 0.5), new_artifact_id(): (1, 1)}, day="2026-01-01")
            await tx.add_counts({artifact_id: (1, 0.25)}, day="2026-01-01")
        artifact = await get(catalog, artifact_id)
        assert (artifact.view_count, artifact.download_count) == (3, 0.75)
        assert artifact.modified_at == 1
        async with catalog.transaction() as tx:
            await tx.reset_counts(artifact_id)
        artifact = await get(catalog, artifact_id)
        assert (artifact.view_count, artifact.download_count) == (0, 0)

    async def test_a_manifest_of_any_size_comes_back_as_it_was(self, catalog: Catalog) -> None:
        manifest = {"text": "ä" * 500_000, "many": list(range(2000)), "k" * 5000: 1}
        artifact_id = await an_artifact(catalog, manifest=manifest)
        assert bytes((await get(catalog, artifact_id)).manifest) == bytes(encode_json("manifest", manifest))

    @pytest.mark.parametrize("alias", ["a'b", 'a"b', "a;--", "ä", "%"])
    async def test_names_are_only_names(self, catalog: Catalog, alias: str) -> None:
        artifact_id = await an_artifact(catalog, alias)
        found = await catalog.find_artifact(ByAlias("ws", alias))
        assert found is not None
        assert found.artifact.id == artifact_id
