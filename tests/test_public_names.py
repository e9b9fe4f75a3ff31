"""What users import from `armarium` is a list, and the list is true."""

import inspect
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

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


CLIENTS = [
    *(f"armarium.sdk.aimable.{name}" for name in ("client", "async_client", "values", "errors")),
    *(
        f"armarium.sdk.dataforce.{name}"
        for name in ("clients", "blocking", "resources", "artifacts", "values", "errors")
    ),
    *(
        f"armarium.sdk.ivcap.{name}"
        for name in ("client", "async_client", "objects", "async_objects", "values", "errors")
    ),
    "armarium.sdk.filesystem",
    "armarium.domain.errors",
]


def own(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """What a module defines under names without an underscore, methods and properties included."""
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value):
            for method, code in vars(value).items():
                if not method.startswith("_") and isinstance(code, property | cached_property | classmethod):
                    yield f"{name}.{method}", code
                elif not method.startswith("_") and inspect.isfunction(code):
                    yield f"{name}.{method}", getattr(value, method)
        if inspect.isclass(value) or inspect.isfunction(value):
            yield name, value


def documented(value: Any) -> bool:
    """Whether it has words of its own, or, for a method, those of the method it implements."""
    return bool(value.__doc__ if inspect.isclass(value) else inspect.getdoc(value))


@pytest.mark.parametrize("name", CLIENTS)
def test_all_that_users_meet_says_what_it_is(name: str):
    module = import_module(name)
    assert [found for found, value in own(module) if not documented(value)] == []
