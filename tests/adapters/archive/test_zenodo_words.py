"""What is said to Zenodo, and what is understood of its answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.adapters.archive.zenodo_words import deposit_of, metadata_of, reasons_in
from armarium.ports.archive import Description

ABOUT = Description(title="Tides", text="All", type="dataset", creators=("Ada", "Karl"))


def test_an_artifact_is_described_in_zenodos_words():
    assert metadata_of(ABOUT) == {
        "title": "Tides",
        "upload_type": "dataset",
        "description": "All",
        "creators": [{"name": "Ada"}, {"name": "Karl"}],
        "access_right": "open",
        "license": "cc-by",
    }


def test_other_types_licenses_keywords_and_notes_are_taken_over():
    model = Description(
        title="t", text="d", type="model", creators=("A",), license="MIT", keywords=("x", "y"), notes="from here"
    )
    metadata = metadata_of(model)
    assert (metadata["upload_type"], metadata["license"]) == ("other", "MIT")
    assert (metadata["keywords"], metadata["notes"]) == (["x", "y"], "from here")


def test_what_the_caller_says_wins():
    more = {"upload_type": "publication", "communities": [{"identifier": "sea"}], "title": "Other"}
    metadata = metadata_of(Description(title="t", text="d", type="x", creators=("A",), more=more))
    assert {key: metadata[key] for key in more} == more


@pytest.mark.parametrize("number", ["../1", "", None, True, 1.5, "1 2", "\u0661", "9" * 30, {}])
def test_a_deposit_without_a_number_is_none(number: Any):
    assert deposit_of({"id": number}) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_answer_is_read(answer: object):
    assert reasons_in(answer, 400)
    if isinstance(answer, dict):
        deposit_of(answer)
