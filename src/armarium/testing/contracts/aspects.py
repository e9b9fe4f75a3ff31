"""Aspects in any catalog: filters, moments, orders and pages give the same answers everywhere."""

import asyncio
import itertools

import msgspec
import pytest

from armarium.domain.aspect import FIELDS, Aspect, AspectQuery, place_of
from armarium.domain.manifest import encode_json
from armarium.domain.policy import BASE_METADATA, Reach
from armarium.ports.catalog import Catalog
from armarium.testing.contracts.catalog_fixtures import clock


def an_aspect(**values: object) -> Aspect:
    content = values.pop("content", {})
    assert isinstance(content, dict)
    usual = {
        "id": clock.new_id(), "workspace": "ws", "entity": "urn:e:1", "schema": "urn:s:1", "policy": BASE_METADATA,
        "reach": Reach.BASE, "asserter": "ada", "valid_from": 10, "content": encode_json("content", content),
    }  # fmt: skip
    return Aspect(**{**usual, **values})  # type: ignore[arg-type]


async def stated(catalog: Catalog, *aspects: Aspect) -> None:
    async with catalog.transaction() as tx:
        for aspect in aspects:
            await tx.insert_aspect(aspect)


async def listed(catalog: Catalog, **values: object) -> list[Aspect]:
    query = AspectQuery(**{"workspaces": ("ws",), "limit": 1000, **values})  # type: ignore[arg-type]
    return await catalog.list_aspects(query)


class AspectContract:
    """Needs a fixture `catalog`."""

    async def test_an_aspect_is_found_as_it_was_stated(self, catalog: Catalog) -> None:
        aspect = an_aspect(
            content={"ä": [1, None, {"x": "漢"}]}, valid_to=20, retracter="bob", replaces="before", reach=Reach.OPEN
        )
        await stated(catalog, aspect)
        assert await catalog.find_aspect(aspect.id) == aspect
        assert await catalog.find_aspect(clock.new_id()) is None

    async def test_an_aspect_ends_once(self, catalog: Catalog) -> None:
        aspect = an_aspect()
        await stated(catalog, aspect)
        for moment, ended in ((20, True), (30, False)):
            async with catalog.transaction() as tx:
                assert await tx.end_aspect(aspect.id, ended_at=moment, ended_by=f"who{moment}") is ended
        expected = msgspec.structs.replace(aspect, valid_to=20, retracter="who20")
        assert await catalog.find_aspect(aspect.id) == expected

    async def test_the_active_ones_are_those_of_the_workspace_that_have_not_ended(self, catalog: Catalog) -> None:
        active = [an_aspect() for _ in range(3)]
        others = [an_aspect(valid_to=20), an_aspect(workspace="b"), an_aspect(entity="urn:e:2"), an_aspect(schema="s")]
        await stated(catalog, *others, *active)
        async with catalog.transaction() as tx:
            assert await tx.active_aspects("ws", "urn:e:1", "urn:s:1") == active[:2]

    @pytest.mark.parametrize("at", [None, 9, 10, 15, 19, 20, 25, 30, 31])
    async def test_a_listing_holds_what_holds_at_the_moment(self, catalog: Catalog, at: int | None) -> None:
        aspects = [
            an_aspect(valid_from=10, valid_to=20),
            an_aspect(valid_from=20, valid_to=30),
            an_aspect(valid_from=20),
        ]
        await stated(catalog, *aspects)
        holding = [one for one in aspects if (one.valid_to is None if at is None else one.holds_at(at))]
        assert {one.id for one in await listed(catalog, at=at)} == {one.id for one in holding}

    async def test_who_may_hear_what(self, catalog: Catalog) -> None:
        aspects = {
            (place, reach): an_aspect(workspace=place, reach=reach) for place in ("a", "b", "c") for reach in Reach
        }
        await stated(catalog, *aspects.values())

        async def heard(**values: object) -> set[tuple[str, Reach]]:
            ids = {one.id for one in await listed(catalog, **values)}
            return {key for key, aspect in aspects.items() if aspect.id in ids}

        mine = {("a", reach) for reach in Reach}
        shared = {("b", Reach.BASE), ("b", Reach.OPEN)}
        assert await heard(workspaces=()) == set()
        assert await heard(workspaces=("a",)) == mine
        assert await heard(workspaces=("a",), shared="b") == mine | shared
        assert await heard(workspaces=("a",), shared="b", with_open=True) == mine | shared | {("c", Reach.OPEN)}

    async def test_schemas_match_by_wildcard_and_by_nothing_else(self, catalog: Catalog) -> None:
        names = ["urn:s:a_b", "urn:s:aXb", "urn:s:A_B", "urn:s:a[b]*?", "urn:s:a\\b", "urn:t:a_b"]
        await stated(catalog, *(an_aspect(schema=name) for name in names))

        async def matching(schema: str) -> list[str]:
            return sorted(one.schema for one in await listed(catalog, schema=schema))

        assert await matching("urn:s:a_b") == ["urn:s:a_b"]
        assert await matching("urn:s:a_b%") == ["urn:s:a_b"]
        assert await matching("urn:s:%") == sorted(names[:5])
        assert await matching("%[b]*?") == ["urn:s:a[b]*?"]
        assert await matching("urn:s:a\\%") == ["urn:s:a\\b"]
        assert await matching("%a_b") == ["urn:s:a_b", "urn:t:a_b"]

    async def test_content_is_looked_through_for_a_text(self, catalog: Catalog) -> None:
        aspects = [an_aspect(content={"item": text}) for text in ("urn:x:1", "urn:x:12", "URN:X:1", 'a"b\\c%_')]
        await stated(catalog, *aspects)
        assert {one.id for one in await listed(catalog, text="urn:x:1")} == {one.id for one in aspects[:2]}
        spelled = msgspec.json.encode('a"b\\c%_').decode()[1:-1]
        assert [one.id for one in await listed(catalog, text=spelled)] == [aspects[3].id]

    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize(
        "order", [*((name,) for name in FIELDS), ("schema", "valid_from"), ("valid_to", "content")]
    )
    async def test_pages_in_any_order_hold_everything_once(
        self, catalog: Catalog, order: tuple[str, ...], descending: bool
    ) -> None:
        made = [
            an_aspect(
                entity=f"urn:e:{n % 3}", schema=f"urn:s:{n % 2}", content={"n": n % 4}, valid_from=n % 5,
                valid_to=100 + n % 3 if n % 2 else None, retracter="ada" if n % 2 else None,
                replaces="x" if n % 3 else None, asserter="ab"[n % 2],
            )
            for n in range(24)
        ]  # fmt: skip
        await stated(catalog, *made)
        expected = sorted(made, key=lambda one: place_of(one, order).keys, reverse=descending)
        pages: list[Aspect] = []
        after = None
        for _ in itertools.count():
            page = await listed(catalog, at=50, order=order, descending=descending, after=after, limit=5)
            pages += page
            if len(page) < 5:
                break
            after = place_of(page[-1], order)
        assert pages == expected

    async def test_those_who_replace_take_turns(self, catalog: Catalog) -> None:
        await stated(catalog, an_aspect())

        async def replace(moment: int) -> None:
            async with catalog.transaction() as tx:
                await tx.take_turn("urn:e:1", "urn:s:1")
                (active,) = await tx.active_aspects("ws", "urn:e:1", "urn:s:1")
                await asyncio.sleep(0)
                assert await tx.end_aspect(active.id, ended_at=moment, ended_by="ada")
                await tx.insert_aspect(an_aspect(valid_from=moment, replaces=active.id))

        await asyncio.gather(*(replace(20 + n) for n in range(8)))
        made = await listed(catalog, at=0) + await listed(catalog)
        assert len(made) == 1
