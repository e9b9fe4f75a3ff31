"""Collections: named sets of URNs that remember who was in them when."""

from datetime import datetime

import pytest

from armarium.sdk.ivcap import IVCAP, Collection, ResourceNotFound
from tests.sdk.ivcap.test_aspects import now

BIRDS = "urn:ivcap:collection:birds"


@pytest.fixture
def birds(ivcap: IVCAP) -> Collection:
    return ivcap.create_collection(BIRDS, "Birds of Orkney", "seen from the shore")


def urns(collection: Collection, at_time: datetime | None = None) -> list[str]:
    return [member.item for member in collection.items(limit=None, at_time=at_time)]


def test_a_collection_is_known_by_its_urn(ivcap: IVCAP, birds: Collection):
    found = ivcap.get_collection(BIRDS)
    assert (found.urn, found.name, found.description) == (BIRDS, "Birds of Orkney", "seen from the shore")
    assert isinstance(found.valid_from, datetime)
    assert found.valid_from == birds.valid_from


def test_a_collection_can_be_renamed_and_its_old_name_read(ivcap: IVCAP, birds: Collection):
    then = now()
    ivcap.create_collection(BIRDS, "Birds of Shetland")
    assert ivcap.get_collection(BIRDS).name == "Birds of Shetland"
    assert ivcap.get_collection(BIRDS, at_time=then).name == birds.name


def test_a_member_is_in_once(ivcap: IVCAP, birds: Collection):
    added = ivcap.add_to_collection(birds, "urn:example:auk")
    assert added is not None
    assert (added.collection, added.item) == (BIRDS, "urn:example:auk")
    assert ivcap.add_to_collection(BIRDS, "urn:example:auk") is None
    ivcap.add_to_collection(birds, "urn:example:gull")
    assert urns(birds) == ["urn:example:gull", "urn:example:auk"]


def test_who_left_is_out_now_and_was_in_then(ivcap: IVCAP, birds: Collection):
    ivcap.add_to_collection(birds, "urn:example:auk")
    then = now()
    assert ivcap.remove_from_collection(birds, "urn:example:auk") is True
    assert ivcap.remove_from_collection(birds, "urn:example:auk") is False
    assert urns(birds) == []
    assert urns(birds, at_time=then) == ["urn:example:auk"]


def test_a_member_whose_urn_needs_care_is_told_from_others(ivcap: IVCAP, birds: Collection):
    odd = 'urn:example:"quoted" \\ ü'
    ivcap.add_to_collection(birds, "urn:example:auk")
    assert ivcap.add_to_collection(birds, odd) is not None
    assert ivcap.add_to_collection(birds, odd) is None
    assert ivcap.remove_from_collection(birds, odd) is True
    assert urns(birds) == ["urn:example:auk"]


def test_collections_are_found_by_name(ivcap: IVCAP, birds: Collection):
    ivcap.create_collection("urn:ivcap:collection:fish", "Fish of Orkney")
    assert {found.name for found in ivcap.list_collections()} == {"Birds of Orkney", "Fish of Orkney"}
    assert [found.urn for found in ivcap.list_collections('starts with "Birds"')] == [BIRDS]
    assert [found.urn for found in ivcap.list_collections('like_regex "^bird" flag "i"')] == [BIRDS]


def test_a_large_collection_ends_whole(ivcap: IVCAP, birds: Collection):
    for number in range(60):
        ivcap.add_to_collection(birds, f"urn:example:{number}")
    assert len(urns(birds)) == 60
    assert ivcap.retract_collection(birds) == 61
    assert urns(birds) == []
    with pytest.raises(ResourceNotFound) as missing:
        ivcap.get_collection(BIRDS)
    assert missing.value.resource == BIRDS


def test_what_was_never_defined_cannot_be_ended(ivcap: IVCAP):
    ivcap.add_to_collection("urn:ivcap:collection:none", "urn:example:auk")
    with pytest.raises(ResourceNotFound):
        ivcap.retract_collection("urn:ivcap:collection:none")
    assert [member.item for member in ivcap.list_collection_items("urn:ivcap:collection:none")] == ["urn:example:auk"]
