"""For every ordered pair of doors: what one brings in the other lists, finds, reads, describes anew and deletes."""

import hashlib
import itertools
import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.journeys.doors import Door, Ivcap, Seen, move_to_shelf
from tests.sdk.dataforce.model_files import model_file

NAMES = ["hypha RPC", "hypha HTTP", "dataforce", "ivcap", "aimable", "fsspec"]
PAIRS = [(first, second) for first, second in itertools.product(NAMES, NAMES) if first != second]
LISTING = ("hypha RPC", "hypha HTTP", "dataforce", "ivcap", "aimable")
DESCRIBING = ("hypha RPC", "hypha HTTP", "dataforce")
DELETING = (*DESCRIBING, "aimable")
"""What the other protocols have no word for nobody can try."""

_numbers = itertools.count(1)


def a_file(folder: Path) -> Path:
    """A model file of fresh content, since only such pass through every door."""
    number = next(_numbers)
    weights = random.Random(number).randbytes(50_000 + number)
    return model_file(folder / f"model {number} ü.dfs", content=weights)


def brought_by(doors: dict[str, Door], who: str, file: Path) -> str:
    """Bring a file in and let it stand where every door looks."""
    key = doors[who].bring(f"Model by {who}", file)
    if who == "ivcap":
        move_to_shelf(doors["hypha RPC"], key)
    return key


def agreed(told: Iterable[Seen | None]) -> Seen:
    """What all doors tell of one artifact, which is the same wherever they tell it."""
    columns = zip(*(seen for seen in told if seen is not None), strict=True)
    values = [{value for value in column if value is not None} for column in columns]
    assert [field for field, found in zip(Seen._fields, values, strict=True) if len(found) > 1] == []
    return Seen(*(next(iter(found), None) for found in values))  # type: ignore[arg-type]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_what_one_door_takes_in_the_other_hands_out(doors: dict[str, Door], parcel: Path, first: str, second: str):
    file = a_file(parcel)
    content = file.read_bytes()
    key = brought_by(doors, first, file)
    if second in LISTING:
        assert doors[second].listed()[key] == f"Model by {first}"
    seen = doors[second].find(key)
    assert (seen.id, seen.name or f"Model by {first}", seen.size) == (key, f"Model by {first}", len(content))
    assert (seen.sha256 or None) in (None, hashlib.sha256(content).hexdigest())  # an object store tells none
    assert doors[second].fetch(key) == content


@pytest.mark.parametrize("first", NAMES)
def test_all_doors_tell_the_same_of_what_one_took_in(
    doors: dict[str, Door], parcel: Path, first: str, keeps_files_itself: bool
):
    file = a_file(parcel)
    key = brought_by(doors, first, file)
    seen = agreed(door.find(key) for door in doors.values())
    assert (seen.id, seen.name, seen.size) == (key, f"Model by {first}", file.stat().st_size)
    assert seen.created_at <= seen.modified_at
    if keeps_files_itself:
        assert seen.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    if first != "ivcap":  # which is not told what the file is called
        assert seen.file_name == file.name


@pytest.mark.parametrize(("first", "second"), [pair for pair in PAIRS if pair[1] in DESCRIBING])
def test_what_one_door_describes_anew_every_other_knows_by_it(
    doors: dict[str, Door], parcel: Path, first: str, second: str
):
    key = brought_by(doors, first, a_file(parcel))
    doors[second].describe(key, "A better name", "What it is for", ["good", "ü"])
    seen = agreed(door.find(key) for door in doors.values())
    assert (seen.name, seen.description, seen.tags) == ("A better name", "What it is for", ("good", "ü"))
    if first in LISTING:
        assert doors[first].listed()[key] == "A better name"


@pytest.mark.parametrize(("first", "second"), [pair for pair in PAIRS if pair[1] in DELETING])
def test_what_one_door_deletes_is_gone_from_every_other(doors: dict[str, Door], parcel: Path, first: str, second: str):
    key = brought_by(doors, first, a_file(parcel))
    doors[second].delete(key)
    assert {name: door.find(key) for name, door in doors.items()} == dict.fromkeys(doors)
    assert [name for name in LISTING if key in doors[name].listed()] == []


@pytest.mark.parametrize("first", NAMES)
def test_what_one_door_took_in_can_be_stated_about(doors: dict[str, Door], parcel: Path, first: str):
    ivcap = doors["ivcap"]
    assert isinstance(ivcap, Ivcap)
    key, schema = brought_by(doors, first, a_file(parcel)), "urn:tests:quality"
    ivcap.state(key, schema, {"grade": "high"})
    doors["hypha RPC"].describe(key, "A better name", "", [])
    (stated,) = ivcap.stated(key, schema)
    assert stated["grade"] == "high"
