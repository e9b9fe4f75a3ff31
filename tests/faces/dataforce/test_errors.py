"""Every error has an answer in the words of this protocol, and the document says which."""

import inspect
import json

import pytest

from armarium.domain import errors
from armarium.domain.errors import ArmariumError
from armarium.faces.dataforce.errors import tell
from armarium.faces.http.parameters import BadParameter, NotJson

SAMPLES: list[tuple[ArmariumError, int, str]] = [
    (errors.NotFound("workspace", "x"), 404, "Organization not found"),
    (errors.NotFound("root collection", "x"), 404, "Orbit not found"),
    (errors.NotFound("collection", "x"), 404, "Collection not found"),
    (errors.NotFound("artifact", "x"), 404, "Artifact not found"),
    (errors.NotFound("file", "x"), 404, "File 'x' does not exist."),
    (errors.AlreadyExists("workspace", "x"), 409, "Workspace 'x' already exists."),
    (errors.Conflict("words"), 409, "words"),
    (errors.NotStaged("words"), 400, "words"),
    (errors.Invalid("field", "words"), 400, "words"),
    (errors.SchemaViolation("words"), 400, "words"),
    (errors.NotUnique("words"), 409, "words"),
    (errors.NotAuthenticated("why"), 401, "Not authenticated"),
    (errors.Forbidden("delete"), 403, "Not enough rights"),
    (errors.TooLarge("words"), 413, "words"),
    (errors.Unsupported("words"), 501, "words"),
    (errors.Refused("words"), 502, "words"),
    (errors.Unavailable("words"), 503, "words"),
]


def test_every_error_has_an_answer():
    tree = {kind for _, kind in inspect.getmembers(errors, inspect.isclass)} - {ArmariumError}
    assert {type(error) for error, _, _ in SAMPLES} >= tree - {errors.ArmariumError}


@pytest.mark.parametrize(("error", "status", "words"), SAMPLES, ids=str)
def test_an_error_is_told(error: ArmariumError, status: int, words: str):
    answer = tell(error)
    assert (answer.status_code, json.loads(answer.body)) == (status, {"detail": words})


def test_a_wrong_field_is_told_with_its_place():
    answer = tell(BadParameter(("body", "tags", 3), "Expected `str`"))
    assert answer.status_code == 422
    assert json.loads(answer.body)["detail"] == [
        {"type": "value_error", "loc": ["body", "tags", 3], "msg": "Expected `str`", "input": None}
    ]
    assert json.loads(tell(NotJson()).body)["detail"][0]["loc"] == ["body"]
