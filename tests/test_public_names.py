"""What users import from `armarium` is a list, and the list is true."""

import inspect

import armarium
from armarium.domain import errors


def public_names() -> list[str]:
    return [
        name for name in dir(armarium) if not name.startswith("_") and not inspect.ismodule(getattr(armarium, name))
    ]


def test_the_list_of_public_names_is_what_is_there():
    assert sorted(name for name in armarium.__all__ if not name.startswith("_")) == sorted(public_names())


def test_the_list_of_public_names_holds_no_name_twice():
    assert len(armarium.__all__) == len(set(armarium.__all__))


def test_every_public_name_can_be_imported():
    assert [name for name in armarium.__all__ if not hasattr(armarium, name)] == []


def test_every_error_a_user_may_catch_is_public():
    tree = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    assert tree
    assert tree <= set(armarium.__all__)
