"""For every ordered pair of doors: what one brings in the other lists, finds, reads, renames and deletes."""

import hashlib
import itertools
import random
from pathlib import Path

import pytest

from tests.journeys.doors import Door, move_to_shelf
from tests.sdk.dataforce.model_files import model_file

NAMES = ["hypha RPC", "hypha HTTP", "dataforce", "ivcap", "aimable"]
PAIRS = [(first, second) for first, second in itertools.product(NAMES, NAMES) if first != second]
RENAMING = ("hypha RPC", "hypha HTTP", "dataforce")
DELETING = (*RENAMING, "aimable")
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


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_what_one_door_takes_in_the_other_hands_out(doors: dict[str, Door], parcel: Path, first: str, second: str):
    file = a_file(parcel)
    content = file.read_bytes()
    key = brought_by(doors, first, file)
    assert doors[second].listed()[key] == f"Model by {first}"
    seen = doors[second].find(key)
    assert (seen.id, seen.name, seen.size) == (key, f"Model by {first}", len(content))
    assert (seen.sha256 or None) in (None, hashlib.sha256(content).hexdigest())  # an object store tells none
    assert doors[second].fetch(key) == content


@pytest.mark.parametrize(("first", "second"), [pair for pair in PAIRS if pair[1] in RENAMING])
def test_what_one_door_renames_the_other_knows_by_its_new_name(
    doors: dict[str, Door], parcel: Path, first: str, second: str
):
    key = brought_by(doors, first, a_file(parcel))
    doors[second].rename(key, "A better name")
    assert doors[first].find(key).name == "A better name"
    assert doors[first].listed()[key] == "A better name"


@pytest.mark.parametrize(("first", "second"), [pair for pair in PAIRS if pair[1] in DELETING])
def test_what_one_door_deletes_is_gone_from_the_other(doors: dict[str, Door], parcel: Path, first: str, second: str):
    key = brought_by(doors, first, a_file(parcel))
    doors[second].delete(key)
    assert doors[first].find(key) is None
    assert key not in doors[first].listed()
