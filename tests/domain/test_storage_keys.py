import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.errors import Invalid
from armarium.domain.file import BlobId
from armarium.domain.storage_keys import (
    MAX_PART_NUMBER,
    blob_key,
    blob_of,
    incoming_key,
    is_key,
    is_prefix,
    part_key,
    part_of,
    parts_prefix,
)

IDS = st.uuids().map(str)
NUMBERS = st.integers(1, MAX_PART_NUMBER)
ID = "01975c1a-7f3e-7abc-8def-0123456789ab"
NOT_IDS = ["", "..", ID.upper(), ID + "\n", f"{ID}/..", ID[:-1], "é" + ID[1:]]


@given(IDS)
def test_a_blob_key_leads_back_to_its_blob(blob_id):
    key = blob_key(BlobId(blob_id))
    assert blob_of(key) == blob_id
    assert is_key(key)
    assert is_prefix(key[: len("blobs/00/")])


@given(IDS, NUMBERS)
def test_a_part_key_leads_back_to_its_part(upload_id, number):
    key = part_key(upload_id, number)
    assert part_of(key) == (upload_id, number)
    assert key.startswith(parts_prefix(upload_id))
    assert is_key(key)
    assert is_prefix(parts_prefix(upload_id))


@given(IDS, NUMBERS, NUMBERS)
def test_part_keys_sort_as_their_numbers(upload_id, first, second):
    assert (part_key(upload_id, first) < part_key(upload_id, second)) == (first < second)


@given(IDS)
def test_arriving_bytes_have_a_key_and_no_blob(name):
    key = incoming_key(name)
    assert is_key(key)
    assert blob_of(key) is None
    assert part_of(key) is None


@given(st.text())
def test_other_text_is_no_key(text):
    assert not is_key(text)
    assert not is_key(f"blobs/00/{text}")
    assert not is_key(f"incoming/{text}")


@pytest.mark.parametrize("not_id", NOT_IDS)
def test_only_an_id_makes_a_key(not_id):
    for make in (blob_key, parts_prefix, incoming_key, lambda upload: part_key(upload, 1)):
        with pytest.raises(Invalid):
            make(not_id)


@pytest.mark.parametrize("number", [-1, 0, MAX_PART_NUMBER + 1])
def test_a_part_number_outside_the_count_makes_no_key(number):
    with pytest.raises(Invalid):
        part_key(ID, number)


@pytest.mark.parametrize(
    "key",
    [
        f"blobs/{'00' if ID[-2:] != '00' else '01'}/{ID}",
        f"blobs/{ID[-2:]}/{ID}\n",
        f"blobs/{ID[-2:]}/{ID}/",
        f"/blobs/{ID[-2:]}/{ID}",
        f"parts/{ID}/00000",
        f"parts/{ID}/1",
        f"parts/{ID}/٠٠٠٠١",
        f"parts/{ID}/../{ID}/00001",
    ],
)
def test_a_key_that_is_only_nearly_right_is_none(key):
    assert not is_key(key)


@pytest.mark.parametrize(
    "prefix", ["", "/", "blobs", "blobs/0/", "blobs/../", "parts/x/", "incoming/x/", "blobs/00/\n"]
)
def test_only_folders_are_prefixes(prefix):
    assert not is_prefix(prefix)
