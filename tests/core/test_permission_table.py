"""The one gate walked from end to end: who, asking for what, on what, under which grants."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armarium.core.permissions import IMPLIED_BY, READING, SUFFICIENT_ROLE, allows, keys_of, rules_of
from armarium.domain.artifact import Access
from armarium.domain.identifiers import ArtifactId
from armarium.domain.principal import ANYONE, LEVELS, LOGGED_IN, ROOT, Action, Grants, Principal, Role, expand_grant

WORKSPACE = "ws-user-owner"
ROLES = (None, Role.READ, Role.READ_WRITE, Role.ADMIN)
ADA = Principal(id="ada", email="ada@example.org", uses_memberships=True)
STRANGER = Principal(id="anonymous", is_anonymous=True)

ROLE_TABLE = """
    read list get_file list_files get_vector list_vectors search_vectors                               READ
    get_status create draft attach edit commit discard_changes put_file remove_file add_vectors        READ_WRITE
    add_documents remove_vectors set_secret set_download_weight                                        READ_WRITE
    detach mutate get_secret reset_stats publish delete                                                ADMIN
"""
"""Which workspace role allows what on every artifact of the workspace; every operation is here once."""

LEVEL_TABLE = {
    "n": "",
    "l": "list",
    "l+": "list draft",
    "lv": "list list_vectors",
    "lv+": "list list_vectors draft attach add_vectors add_documents",
    "lf": "list list_files",
    "lf+": "list list_files draft attach put_file",
    "r": "read get_file list_files list search_vectors get_vector",
    "r+": "read get_file list_files list search_vectors get_vector put_file draft attach add_vectors add_documents",
    "rw": "read get_file list_files list search_vectors get_vector list_vectors edit commit put_file add_vectors "
    "add_documents remove_file remove_vectors discard_changes detach mutate",
    "rd+": "read get_file list_files list search_vectors get_vector get_status list_vectors edit put_file add_vectors "
    "add_documents remove_file remove_vectors discard_changes draft",
    "rw+": "read get_file list_files list search_vectors get_vector list_vectors edit commit put_file add_vectors "
    "add_documents remove_file remove_vectors discard_changes detach mutate get_status draft attach",
    "*": "read get_file list_files list search_vectors get_vector list_vectors edit commit put_file add_vectors "
    "add_documents remove_file remove_vectors discard_changes detach mutate get_status draft attach create reset_stats "
    "publish delete",
}


def access(grants: Grants | None = None, parent: Grants | None = None, membership: Role | None = None) -> Access:
    return Access(
        artifact_id=ArtifactId("01a20032-4740-7124-b014-9ae62cc7160f"),
        workspace=WORKSPACE,
        alias="thing",
        grants=grants or {},
        parent_grants=parent,
        membership=membership,
    )


def allowed(principal: Principal, place: Access) -> set[Action]:
    return {action for action in Action if allows(principal, action, place)}


def needed_roles() -> dict[Action, Role]:
    rows = [line.split() for line in ROLE_TABLE.strip().splitlines()]
    return {Action(name): Role[role] for *names, role in rows for name in names}


def test_every_operation_needs_the_role_the_table_says():
    assert dict(SUFFICIENT_ROLE) == needed_roles()


@pytest.mark.parametrize("held", ROLES)
@pytest.mark.parametrize("parent", [None, {}, {ANYONE: "n"}])
def test_a_role_allows_exactly_what_the_table_says(held: Role | None, parent: Grants | None):
    place = access(parent=parent, membership=held)
    assert allowed(ADA, place) == {action for action, role in needed_roles().items() if held and held >= role}


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_allows_exactly_what_the_table_says(level: str):
    assert set(LEVELS) == set(LEVEL_TABLE)
    assert sorted(expand_grant(level)) == sorted(LEVEL_TABLE[level].split())
    assert len(set(LEVELS[level])) == len(LEVELS[level])


@pytest.mark.parametrize("level", LEVELS)
def test_a_grant_on_a_root_artifact_allows_its_level_and_what_that_implies(level: str):
    named = {Action(name) for name in LEVEL_TABLE[level].split()}
    implied = {action for action, by in IMPLIED_BY.items() if by in named}
    assert allowed(ADA, access({"ada": level})) == named | implied


def test_nothing_is_allowed_by_default():
    for principal, parent in itertools.product((ADA, STRANGER), (None, {})):
        assert allowed(principal, access(parent=parent)) == set()


def test_the_operator_and_the_owner_may_everything():
    everything = set(Action)
    assert allowed(ROOT, access({ANYONE: "n", "root": "n"})) == everything
    assert allowed(ADA, access({"ada": "n"}, {"ada": "n"}, Role.ADMIN)) == everything


@pytest.mark.parametrize(
    ("grants", "may_read"),
    [
        ({ANYONE: "r"}, True),
        ({ANYONE: "r", "ada": "n"}, False),
        ({ANYONE: "n", "ada": "r"}, True),
        ({ANYONE: "n", LOGGED_IN: "r"}, True),
        ({LOGGED_IN: "n", ANYONE: "r"}, False),
        ({"ada@example.org": "r", LOGGED_IN: "n"}, True),
        ({"Ada@Example.org": "r"}, False),
        ({"bob": "*"}, False),
        ({"ada": "unheard-of"}, False),
        ({"ada": ["read"]}, True),
        ({"ada": ["list"], ANYONE: "r"}, False),
    ],
)
def test_the_most_specific_grant_decides_alone(grants: Grants, may_read: bool):
    assert allows(ADA, Action.READ, access(grants)) is may_read


def test_a_workspace_grant_counts_only_at_home_there():
    place = access({"lab/*": "r", "lab/ada": "rw"})
    assert allowed(ADA, place) == set()
    at_lab = msgspec.structs.replace(ADA, current_workspace="lab")
    assert Action.EDIT in allowed(at_lab, place)
    stranger_at_lab = msgspec.structs.replace(STRANGER, current_workspace="lab")
    assert Action.READ in allowed(stranger_at_lab, place)
    assert Action.EDIT not in allowed(stranger_at_lab, place)


@pytest.mark.parametrize(
    ("own", "parent", "may_read"),
    [
        ("r", "r", True),
        (None, "r", True),
        ("r", None, False),
        ("n", "r", False),
        ("*", "n", False),
        (None, None, False),
    ],
)
def test_reading_a_child_is_decided_by_its_parent(own: str | None, parent: str | None, may_read: bool):
    grants = {"ada": own} if own else {}
    parent_grants = {"ada": parent} if parent else {}
    place = access(grants, parent_grants)
    assert {allows(ADA, action, place) for action in READING & set(map(Action, LEVELS["r"]))} == {may_read}


def test_a_parent_never_helps_to_write_its_children():
    place = access({}, {"ada": "*"})
    assert allowed(ADA, place) == READING


def test_a_generated_token_acts_for_its_parent():
    token = Principal(id="quiet-otter-1", parent="ada", grants={})
    assert Action.EDIT in allowed(token, access({"ada": "rw"}))
    assert allowed(token, access({"ada": "rw", "quiet-otter-1": "n"})) == set()


@pytest.mark.parametrize("name", [f"{WORKSPACE}/thing", "01a20032-4740-7124-b014-9ae62cc7160f"])
def test_a_limited_credential_does_its_one_thing_and_nothing_else(name: str):
    limited = Principal(
        id="quiet-otter-1", parent="owner", grants={WORKSPACE: Role.ADMIN}, scopes=(f"get_file:{name}:sub%2Fa.txt",)
    )
    place = access({ANYONE: "*"}, membership=Role.ADMIN)
    for action, path in itertools.product(Action, (None, "a.txt", "sub/a.txt", "sub%2Fa.txt", "*")):
        wanted = action is Action.GET_FILE and path == "sub/a.txt"
        assert allows(limited, action, place, path=path) is wanted, (action, path)


# properties

GRANTS = st.sampled_from([*LEVELS, "unheard-of"]) | st.lists(st.sampled_from([str(action) for action in Action]))
KEYS = st.sampled_from(["ada", "bob", "ada@example.org", LOGGED_IN, ANYONE, "lab/ada", "lab/@", "lab/*", "other/*"])
MAPS = st.dictionaries(KEYS, GRANTS, max_size=6)
PRINCIPALS = st.sampled_from(
    [
        ADA,
        STRANGER,
        msgspec.structs.replace(ADA, current_workspace="lab"),
        msgspec.structs.replace(STRANGER, current_workspace="lab"),
        Principal(id="quiet-otter-1", parent="ada", current_workspace="lab"),
    ]
)


@given(principal=PRINCIPALS, grants=MAPS, parent=st.none() | MAPS)
def test_a_higher_role_never_loses(principal: Principal, grants: Grants, parent: Grants | None):
    principal = msgspec.structs.replace(principal, uses_memberships=True)
    gained = [allowed(principal, access(grants, parent, role)) for role in ROLES]
    assert all(lower <= higher for lower, higher in itertools.pairwise(gained))


@given(grants=MAPS, parent=st.none() | MAPS)
def test_a_stranger_never_gains_over_someone_logged_in_whom_no_grant_names(grants: Grants, parent: Grants | None):
    def without_names(given: Grants | None) -> Grants | None:
        return None if given is None else {key: given[key] for key in given if key in (ANYONE, "bob", "other/*")}

    place = access(without_names(grants), without_names(parent))
    assert allowed(STRANGER, place) <= allowed(ADA, place)


@given(principal=PRINCIPALS, grants=MAPS, parent=st.none() | MAPS)
def test_grants_that_name_somebody_else_change_nothing(principal: Principal, grants: Grants, parent: Grants | None):
    def naming(given: Grants | None) -> Grants | None:
        return None if given is None else {key: given[key] for key in given if key in keys_of(principal)}

    assert allowed(principal, access(grants, parent)) == allowed(principal, access(naming(grants), naming(parent)))


@given(principal=PRINCIPALS, grants=MAPS, parent=st.none() | MAPS)
def test_whatever_is_allowed_without_a_role_a_grant_names(principal: Principal, grants: Grants, parent: Grants | None):
    named = {
        operation
        for given in (grants, parent or {})
        for key in keys_of(principal)
        if key in given
        for operation in expand_grant(given[key])
    }
    for action in allowed(principal, access(grants, parent)):
        assert action in named or IMPLIED_BY.get(action) in named


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("@*lrw", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("@*lr", max_size=2), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(permissions=ODD, is_collection=ODD)
def test_a_config_of_odd_shape_grants_nothing_but_what_it_names(permissions: Any, is_collection: Any):
    rules = rules_of(msgspec.Raw(msgspec.json.encode({"permissions": permissions, "is_collection": is_collection})))
    for action in allowed(STRANGER, access(rules.permissions)):
        assert permissions[ANYONE] in LEVELS
        assert action in LEVELS[permissions[ANYONE]] or IMPLIED_BY[action] in LEVELS[permissions[ANYONE]]
