"""Publishing: what is asked for first, what is remembered, and how a failed attempt goes on."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from armarium.adapters.archive.zenodo import ZenodoArchive
from armarium.adapters.archive.zenodo_http import Patience
from armarium.assembly import open_core
from armarium.core import Core
from armarium.core.versions import Changes
from armarium.domain.errors import ArmariumError, Conflict, Forbidden, Invalid, Refused, Unavailable
from armarium.domain.principal import ROOT, Principal, Role
from armarium.settings import Settings
from tests.adapters.archive.zenodo_server import TOKEN, Zenodo, running_zenodo

ADA = Principal(id="ada", grants={"ws-user-ada": Role.ADMIN})
QUICK = Patience(attempts=2, pause_seconds=0.01, request_seconds=0.5, stall_seconds=0.5)
MANIFEST = {"name": "Tides", "description": "All of them", "authors": [{"name": "Ada L."}], "tags": ["sea"]}
FILES = {"a.txt": b"first", "data/deep/b.csv": b"x" * 100_000}
SECRETS = {"SANDBOX_ZENODO_ACCESS_TOKEN": TOKEN}


@pytest.fixture
def zenodo() -> Iterator[Zenodo]:
    with running_zenodo() as served:
        yield served


@pytest.fixture
async def core(tmp_path: Path, zenodo: Zenodo) -> AsyncIterator[Core]:
    async with open_core(Settings(data=tmp_path / "data", port=1)) as opened:
        opened.publication._archives = {"sandbox_zenodo": ZenodoArchive(zenodo.url, QUICK)}
        await opened.accounts.create_user(ROOT, "ada")
        yield opened


async def put(core: Core, name: str, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        await core.files.write(ADA, name, path, content)


async def an_artifact(core: Core, alias: str = "tides", **options: Any) -> None:
    given = {"manifest": MANIFEST, "type": "dataset", "secrets": SECRETS, **options}
    await core.artifacts.create(ADA, alias=alias, stage=True, **given)
    await put(core, alias, FILES)
    await core.versions.commit(ADA, alias)


async def publish(core: Core, alias: str = "tides", **options: Any) -> Any:
    return await core.publication.publish(ADA, alias, to="sandbox_zenodo", **options)


async def config_of(core: Core, alias: str = "tides") -> dict[str, Any]:
    view = await core.artifacts.read(ADA, alias, silent=True)
    config: dict[str, Any] = msgspec.json.decode(view.artifact.config)
    return config


async def test_the_record_is_returned_and_kept(core: Core, zenodo: Zenodo):
    await an_artifact(core)
    record = await publish(core)
    assert record["doi"].startswith("10.5072/zenodo.")
    assert zenodo.contents(record["id"]) == FILES
    metadata = record["metadata"]
    assert (metadata["title"], metadata["upload_type"]) == ("Tides", "dataset")
    assert (metadata["creators"], metadata["keywords"]) == ([{"name": "Ada L."}], ["sea"])
    kept = (await config_of(core))["zenodo"]
    assert kept == {key: value for key, value in record.items() if key != "files"}
    assert (await core.artifacts.read(ADA, "tides", silent=True)).artifact.download_count == 0


async def test_metadata_and_target_can_be_given_or_taken_from_the_config(core: Core):
    await an_artifact(core, config={"publish_to": "sandbox_zenodo"}, manifest={"name": "n", "description": "d"})
    record = await core.publication.publish(ADA, "tides", metadata={"title": "Another", "upload_type": "poster"})
    assert (record["metadata"]["title"], record["metadata"]["upload_type"]) == ("Another", "poster")
    assert record["metadata"]["creators"] == [{"name": "ada"}]


async def test_a_second_publication_is_a_new_version_with_the_files_of_now(core: Core, zenodo: Zenodo):
    await an_artifact(core)
    first = await publish(core)
    await core.versions.stage(ADA, "tides", Changes())
    await put(core, "tides", {"a.txt": b"again", "c.txt": b"new"})
    await core.files.remove(ADA, "tides", "data/deep/b.csv")
    await core.versions.commit(ADA, "tides")
    second = await publish(core)
    assert second["id"] != first["id"]
    assert second["conceptrecid"] == first["conceptrecid"]
    assert zenodo.contents(second["id"]) == {"a.txt": b"again", "c.txt": b"new"}
    assert zenodo.contents(first["id"]) == FILES


@pytest.mark.parametrize("where", ["PUT .*depositions/", "GET .*/files$", "PUT /api/files/.*csv", "POST .*publish$"])
@pytest.mark.parametrize("how", [503, "hang", "cut", 400, "half"])
async def test_the_next_attempt_goes_on_with_the_same_draft(core: Core, zenodo: Zenodo, where: str, how: int | str):
    await an_artifact(core)
    zenodo.fail(where, how, times=99)
    with pytest.raises((Refused, Unavailable)) as caught:
        await publish(core)
    assert TOKEN not in str(caught.value)
    zenodo.failures.clear()
    sent = zenodo.count("PUT /api/files/.*a.txt")
    draft = (await config_of(core))["zenodo"]
    record = await publish(core)
    assert record["id"] == draft["id"]
    assert zenodo.contents(record["id"]) == FILES
    assert len(zenodo.depositions) == 1
    assert zenodo.count("PUT /api/files/.*a.txt") == max(sent, 1)


async def test_a_publication_whose_record_was_lost_is_not_made_twice(core: Core, zenodo: Zenodo):
    await an_artifact(core)
    zenodo.fail("POST .*publish$", 503, times=2)
    with pytest.raises(Unavailable):
        await publish(core)
    draft = (await config_of(core))["zenodo"]
    zenodo.depositions[draft["id"]]["submitted"] = True
    record = await publish(core)
    assert record["id"] == draft["id"]
    assert len(zenodo.depositions) == 1
    assert "armarium" not in (await config_of(core))["zenodo"]


async def test_a_draft_somebody_deleted_at_the_archive_is_made_anew(core: Core, zenodo: Zenodo):
    await an_artifact(core)
    first = await publish(core)
    await core.versions.edit(ADA, "tides", Changes(manifest={**MANIFEST, "name": "Second"}))
    zenodo.fail("POST .*publish$", 503, times=2)
    with pytest.raises(Unavailable):
        await publish(core)
    draft = (await config_of(core))["zenodo"]
    del zenodo.depositions[draft["id"]]
    second = await publish(core)
    assert second["conceptrecid"] == first["conceptrecid"]


async def test_a_record_of_another_server_is_left_alone(core: Core):
    record = {"id": 5, "submitted": True, "links": {"self": "https://zenodo.org/api/deposit/depositions/5"}}
    await an_artifact(core, config={"zenodo": record})
    assert (await publish(core))["id"] != 5


async def test_one_artifact_is_published_once_at_a_time(core: Core, zenodo: Zenodo):
    await an_artifact(core)
    answers = await asyncio.gather(publish(core), publish(core), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "dict"]
    assert isinstance(next(answer for answer in answers if isinstance(answer, Exception)), Conflict)
    assert len(zenodo.depositions) == 1


async def test_the_catalog_takes_writes_while_the_archive_is_slow(core: Core, zenodo: Zenodo):
    await an_artifact(core)
    zenodo.fail("PUT /api/files", "hang")
    publishing = asyncio.create_task(publish(core))
    while not zenodo.count("PUT /api/files"):
        await asyncio.sleep(0.005)
    await core.artifacts.create(ADA, alias="meanwhile", manifest={"name": "m"})
    await core.files.set_weight(ADA, "tides", "a.txt", 2.0)
    assert not publishing.done()
    await publishing
    config = await config_of(core)
    assert config["download_weights"] == {"a.txt": 2.0}
    assert config["zenodo"]["submitted"]


async def test_what_is_missing_is_said_before_anything_is_sent(core: Core, zenodo: Zenodo):
    async def said(alias: str, **options: Any) -> str:
        with pytest.raises(Invalid) as caught:
            await core.publication.publish(ADA, alias, **options)
        return str(caught.value)

    await an_artifact(core, "bare", secrets={}, manifest={"name": "n", "description": "d"})
    assert "Publishing to 'None' is not supported" in await said("bare")
    assert "Publishing to 'elsewhere' is not supported" in await said("bare", to="elsewhere")
    assert "Zenodo access token is not configured" in await said("bare", to="sandbox_zenodo")
    await an_artifact(core, "odd", secrets={"SANDBOX_ZENODO_ACCESS_TOKEN": "a\r\nb: c-and-more"})
    assert "Zenodo access token is not configured" in await said("odd", to="sandbox_zenodo")
    await an_artifact(core, "nameless", manifest={"description": "d"})
    assert "must have a name" in await said("nameless", to="sandbox_zenodo")
    await an_artifact(core, "silent", manifest={"name": "n"})
    assert "must have a description" in await said("silent", to="sandbox_zenodo")
    await core.artifacts.create(ADA, alias="draft", manifest=MANIFEST, stage=True, secrets=SECRETS)
    assert "must be committed" in await said("draft", to="sandbox_zenodo")
    await an_artifact(core, "staged")
    await core.versions.stage(ADA, "staged", Changes())
    assert "staged changes" in await said("staged", to="sandbox_zenodo")
    assert zenodo.requests == []


async def test_a_parents_token_is_used_and_the_own_one_wins(core: Core, zenodo: Zenodo):
    await core.artifacts.create(ADA, alias="parent", type="collection", manifest={"name": "p"}, secrets=SECRETS)
    await an_artifact(core, "child", parent="parent", secrets={})
    assert (await publish(core, "child"))["submitted"]
    await an_artifact(core, "own", parent="parent", secrets={"SANDBOX_ZENODO_ACCESS_TOKEN": "not the right one"[:8]})
    with pytest.raises(ArmariumError):
        await publish(core, "own")


async def test_who_may_not_publish_does_not(core: Core, zenodo: Zenodo):
    await an_artifact(core, config={"permissions": {"bob": "rw+"}})
    bob = Principal(id="bob")
    with pytest.raises(Forbidden, match="publish"):
        await core.publication.publish(bob, "ws-user-ada/tides", to="sandbox_zenodo")
    assert zenodo.requests == []


async def test_the_token_is_in_no_config_and_no_event(core: Core, zenodo: Zenodo, tmp_path: Path):
    await an_artifact(core)
    zenodo.fail("PUT /api/files/.*csv", 400)
    with pytest.raises(Refused):
        await publish(core)
    await publish(core)
    events = await core.catalog.list_events(workspace="ws-user-ada")
    assert {"publish", "reserve"} <= {event.action for event in events}
    assert TOKEN not in str(events) + str(await config_of(core))
    await core.counters.flush()
    for stored in (tmp_path / "data").rglob("*"):
        assert not stored.is_file() or TOKEN.encode() not in stored.read_bytes()


# aliases that hold the number of a deposit


async def a_parent(core: Core) -> None:
    await core.artifacts.create(ADA, alias="parent", type="collection", manifest={"name": "p"}, secrets=SECRETS)


async def test_an_alias_can_hold_the_number_of_the_deposit(core: Core, zenodo: Zenodo):
    await a_parent(core)
    given = {"manifest": MANIFEST, "config": {"publish_to": "sandbox_zenodo"}, "parent": "parent", "stage": True}
    view = await core.artifacts.create(ADA, alias="sea-{zenodo_id}-{zenodo_conceptrecid}", **given)
    number, kept = next(iter(zenodo.depositions.items()))
    assert view.artifact.alias == f"sea-{number}-{kept['concept']}"
    await put(core, view.artifact.name, FILES)
    await core.versions.commit(ADA, view.artifact.name)
    record = await core.publication.publish(ADA, view.artifact.name)
    assert record["id"] == number
    assert len(zenodo.depositions) == 1


async def test_no_deposit_without_target_token_or_right(core: Core, zenodo: Zenodo):
    await a_parent(core)
    to = {"publish_to": "sandbox_zenodo"}
    with pytest.raises(Invalid, match="publish_to"):
        await core.artifacts.create(ADA, alias="{zenodo_id}", manifest=MANIFEST, parent="parent")
    with pytest.raises(Invalid, match="not configured"):
        await core.artifacts.create(ADA, alias="{zenodo_id}", manifest=MANIFEST, config=to)
    with pytest.raises(Forbidden):
        await core.artifacts.create(
            Principal(id="bob"), alias="{zenodo_id}", manifest=MANIFEST, config=to, parent="ws-user-ada/parent"
        )
    assert zenodo.requests == []


async def test_a_deposit_for_nothing_is_discarded(core: Core, zenodo: Zenodo):
    schema = {"type": "object", "required": ["species"]}
    config = {"collection_schema": schema}
    await core.artifacts.create(
        ADA, alias="strict", type="collection", manifest={"name": "p"}, secrets=SECRETS, config=config
    )
    with pytest.raises(Invalid, match="species"):
        await core.artifacts.create(
            ADA, alias="{zenodo_id}", manifest=MANIFEST, config={"publish_to": "sandbox_zenodo"}, parent="strict"
        )
    assert zenodo.count("POST .*depositions$") == 1
    assert zenodo.depositions == {}
