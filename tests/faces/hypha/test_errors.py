import inspect

import pytest

from armarium.domain import errors
from armarium.faces.hypha import calls, requests
from armarium.faces.hypha.errors import error_text, words

EXAMPLES = [
    (errors.NotFound("artifact", "ws/a", "Artifact with ID 'ws/a' does not exist."), "KeyError", 404),
    (errors.NotFound("version", "v9"), "ValueError", 400),
    (errors.NotFound("file", "a.txt"), "FileNotFoundError", 404),
    (errors.AlreadyExists("artifact", "ws/a"), "FileExistsError", 409),
    (errors.AlreadyExists("workspace", "ws"), "RuntimeError", 409),
    (errors.AlreadyExists("version", "v1"), "ValueError", 409),
    (errors.Conflict("changed"), "RuntimeError", 409),
    (errors.NotUnique("several"), "RuntimeError", 409),
    (errors.NotStaged("Artifact must be in staging mode to commit."), "AssertionError", 400),
    (errors.Invalid("alias", "The alias is too long."), "ValueError", 400),
    (errors.SchemaViolation("'description' is a required property"), "ValueError", 400),
    (errors.NotAuthenticated("who?"), "PermissionError", 401),
    (errors.Forbidden("attach"), "PermissionError", 403),
    (errors.TooLarge("big"), "ValueError", 413),
    (errors.Unsupported("no"), "NotImplementedError", 501),
    (errors.Refused("no, said Zenodo"), "RuntimeError", 502),
    (errors.Unavailable("later"), "RuntimeError", 503),
]


@pytest.mark.parametrize(("exc", "name", "status"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_every_error_has_its_words(exc, name, status):
    told = words(exc)
    assert (told.name, told.status) == (name, status)
    assert error_text(exc).startswith(f"{name}: ")
    assert "\n" not in told.text


def test_no_error_of_the_tree_is_without_words():
    tree = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.ArmariumError)}
    assert tree - {type(exc) for exc, _, _ in EXAMPLES} == {errors.ArmariumError}


def test_messages_hold_the_words_clients_match():
    assert error_text(EXAMPLES[0][0]) == "KeyError: \"Artifact with ID 'ws/a' does not exist.\""
    violation = errors.SchemaViolation("'description' is a required property")
    assert "ValidationError: 'description' is a required property" in error_text(violation)


def test_an_unforeseen_error_is_logged_and_not_told(caplog):
    told = words(ZeroDivisionError("division of a secret"))
    assert told.status == 500
    assert "secret" not in told.text
    assert "division of a secret" in caplog.text
    assert told.message.split("request id ")[1].rstrip(").") in caplog.text


@pytest.mark.parametrize("tell", [requests.failure, calls._failure])
def test_who_comes_at_a_bad_moment_is_told_when_to_come_again(tell):
    answer = tell(errors.Unavailable("The catalog is busy.", retry_after_seconds=7))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
