import pytest

from armarium.domain.account import RESERVED_WORKSPACES, checked_new_workspace, checked_user_id
from armarium.domain.errors import Invalid
from armarium.domain.identifiers import checked_workspace
from armarium.domain.principal import home_workspace


@pytest.mark.parametrize("name", ["my-lab", "a-1", "lab-|x", "a-"])
def test_a_new_workspace_has_a_hyphen(name):
    assert checked_new_workspace(name) == name


@pytest.mark.parametrize(
    "name",
    ["lab", "My-Lab", "-lab", "a b-c", "a/b-c", "a-b\n", "ä-b", "", "ws-user-someone", "ws-anonymous", "x-" * 70],
)
def test_other_workspace_names_are_refused(name):
    with pytest.raises(Invalid):
        checked_new_workspace(name)


@pytest.mark.parametrize("name", sorted(RESERVED_WORKSPACES))
def test_reserved_names_are_refused(name):
    with pytest.raises(Invalid):
        checked_new_workspace(name)


@pytest.mark.parametrize("user_id", ["alice", "auth0|5f3c", "a.b@example.org", "x" * 100])
def test_a_user_id_makes_a_good_home(user_id):
    assert checked_workspace(home_workspace(checked_user_id(user_id)))


@pytest.mark.parametrize(
    "user_id", ["", "a b", "a/b", "a#b", "a:b", "../x", "anonymouz-amber-folio-1", "x" * 101, "a\n"]
)
def test_other_user_ids_are_refused(user_id):
    with pytest.raises(Invalid):
        checked_user_id(user_id)
