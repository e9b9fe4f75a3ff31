"""Statements about things: added, replaced, retracted, and read as of any time."""

import time
from datetime import UTC, datetime

import pytest

from armarium.sdk.ivcap import IVCAP, IvcapApiError, MissingParameterValue, NotAuthorizedException

SCHEMA = "urn:example:schema:note.1"
OTHER = "urn:example:schema:other.1"


@pytest.fixture
def entity(ivcap: IVCAP, tmp_path) -> str:
    (tmp_path / "a.txt").write_text("x")
    return ivcap.upload_artifact(file_path=tmp_path / "a.txt").id


def now() -> datetime:
    """A moment between what was done and what is done next."""
    time.sleep(0.002)
    moment = datetime.now(UTC)
    time.sleep(0.002)
    return moment


def notes(ivcap: IVCAP, entity: str, at_time: datetime | None = None) -> list[int]:
    return [aspect.content["n"] for aspect in ivcap.list_aspects(entity=entity, schema=SCHEMA, at_time=at_time)]


def test_what_is_stated_of_an_artifact_is_in_its_metadata_newest_first(ivcap: IVCAP, entity: str):
    artifact = ivcap.get_artifact(entity)
    assert artifact.add_metadata({"$schema": SCHEMA, "n": 1}) is artifact
    artifact.add_metadata({"n": 2}, schema=SCHEMA)
    said = [aspect for aspect in artifact.metadata if aspect.schema == SCHEMA]
    assert [aspect.content["n"] for aspect in said] == [2, 1]
    assert said[0].content["$schema"] == SCHEMA
    assert {aspect.entity for aspect in said} == {entity}
    assert [aspect.schema for aspect in artifact.metadata if aspect.schema != SCHEMA] == ["urn:ivcap:schema:artifact.1"]


def test_metadata_is_told_whole(ivcap: IVCAP, entity: str):
    artifact = ivcap.get_artifact(entity)
    for number in range(55):
        artifact.add_metadata({"n": number}, schema=SCHEMA)
    assert len([aspect for aspect in artifact.metadata if aspect.schema == SCHEMA]) == 55
    assert len(list(ivcap.list_aspects(entity=entity))) == 10


def test_an_update_takes_the_place_of_what_was_said_and_keeps_the_past(ivcap: IVCAP, entity: str):
    before = now()
    first = ivcap.add_aspect(entity, {"n": 1}, schema=SCHEMA)
    then = now()
    second = ivcap.update_aspect(entity, {"n": 2}, schema=SCHEMA)
    assert notes(ivcap, entity) == [2]
    assert notes(ivcap, entity, at_time=then) == [1]
    assert notes(ivcap, entity, at_time=before) == []
    assert ivcap.get_aspect(first.id).valid_to == ivcap.get_aspect(second.id).valid_from


def test_an_update_of_nothing_is_an_addition(ivcap: IVCAP, entity: str):
    ivcap.update_aspect(entity, {"n": 1}, schema=SCHEMA)
    assert notes(ivcap, entity) == [1]


def test_an_update_needs_one_aspect_to_replace(ivcap: IVCAP, entity: str):
    for number in (1, 2):
        ivcap.add_aspect(entity, {"n": number}, schema=SCHEMA)
    with pytest.raises(IvcapApiError) as refused:
        ivcap.update_aspect(entity, {"n": 3}, schema=SCHEMA)
    assert refused.value.status_code == 424
    assert notes(ivcap, entity) == [2, 1]


def test_what_is_retracted_holds_no_longer_and_can_still_be_read(ivcap: IVCAP, entity: str):
    aspect = ivcap.add_aspect(entity, {"n": 1}, schema=SCHEMA)
    then = now()
    assert aspect.valid_to is None
    assert aspect.retract() is aspect
    ended = aspect.valid_to
    assert ended is not None
    assert aspect.retract().valid_to == ended
    assert notes(ivcap, entity) == []
    assert notes(ivcap, entity, at_time=then) == [1]
    assert ivcap.get_aspect(aspect.id).content["n"] == 1


def test_a_list_without_content_brings_it_when_asked(ivcap: IVCAP, entity: str):
    ivcap.add_aspect(entity, {"n": 1}, schema=SCHEMA)
    (aspect,) = ivcap.list_aspects(entity=entity, schema=SCHEMA, include_content=False)
    assert aspect.content["n"] == aspect.aspect["n"] == 1


def test_aspects_are_found_by_what_they_say(ivcap: IVCAP, entity: str):
    for number in (1, 2, 3):
        ivcap.add_aspect(entity, {"n": number, "tags": ["odd" if number % 2 else "even"]}, schema=SCHEMA)
    found = ivcap.list_aspects(entity=entity, content_path='$.tags ? (@ == "odd")')
    assert [aspect.content["n"] for aspect in found] == [3, 1]
    with pytest.raises(IvcapApiError) as refused:
        ivcap.list_aspects(entity=entity, content_path="$..n ?")
    assert refused.value.status_code == 422


def test_aspects_are_found_by_schema_and_in_either_order(ivcap: IVCAP, entity: str):
    ivcap.add_aspect(entity, {"n": 1}, schema=SCHEMA)
    ivcap.add_aspect(entity, {"n": 2}, schema=OTHER)
    found = ivcap.list_aspects(entity=entity, schema="urn:example:schema:%", order_direction="ASC")
    assert [aspect.content["n"] for aspect in found] == [1, 2]


def test_a_program_may_change_what_it_was_given(ivcap: IVCAP, entity: str):
    ivcap.add_aspect(entity, {"n": 1}, schema=SCHEMA)
    next(ivcap.list_aspects(entity=entity, schema=SCHEMA)).content["n"] = 2
    assert notes(ivcap, entity) == [1]


class Reading:
    def to_dict(self) -> dict[str, object]:
        return {"$schema": SCHEMA, "n": 7}


def test_whatever_can_be_a_dictionary_can_be_stated(ivcap: IVCAP, entity: str):
    ivcap.add_aspect(entity, Reading())
    assert notes(ivcap, entity) == [7]


def test_an_aspect_needs_a_schema_and_a_policy_that_is_one(ivcap: IVCAP, entity: str):
    with pytest.raises(MissingParameterValue, match="schema"):
        ivcap.add_aspect(entity, {"n": 1})
    with pytest.raises(ValueError, match="policy"):
        ivcap.add_aspect(entity, {"n": 1}, schema=SCHEMA, policy="mine")


def test_an_aspect_that_is_not_there_is_told_so(ivcap: IVCAP):
    with pytest.raises(IvcapApiError) as refused:
        ivcap.get_aspect("urn:ivcap:aspect:0190b0f0-0000-7000-8000-000000000009")
    assert refused.value.status_code == 404


def test_what_the_store_says_of_an_artifact_nobody_else_can_say(ivcap: IVCAP, entity: str):
    for say in (ivcap.add_aspect, ivcap.update_aspect):
        with pytest.raises(NotAuthorizedException):
            say(entity, {"mime-type": "image/png"}, schema="urn:ivcap:schema:artifact.1")
