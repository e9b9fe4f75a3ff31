import pytest

from armarium.core.permissions import READING, allows
from armarium.domain.artifact import Access
from armarium.domain.identifiers import ArtifactId
from armarium.domain.principal import Action, Principal, Role

OWN = Access(
    artifact_id=ArtifactId("01a20032-4740-7124-b014-9ae62cc7160f"),
    workspace="lab-a",
    alias="data",
    grants={"alice": "*"},
    parent_grants=None,
    membership=Role.ADMIN,
)


@pytest.mark.parametrize("action", list(Action))
def test_a_read_only_token_reads_even_what_is_its_users_own(action):
    whole = Principal(id="alice", uses_memberships=True)
    reader = Principal(id="robot", parent="alice", grants={"lab-a": Role.READ}, read_only=True)
    assert allows(whole, action, OWN)
    assert allows(reader, action, OWN) == (action in READING)
