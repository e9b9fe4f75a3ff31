"""Artifacts announced before their file: what is asked again under the same id was made already."""

from datetime import timedelta
from uuid import uuid4

import pytest

from armarium.assembly import open_core
from armarium.core import Core
from armarium.domain.delivery import Declared
from armarium.domain.errors import AlreadyExists
from armarium.domain.identifiers import ArtifactId, ById
from armarium.domain.principal import ROOT, Principal, Role
from armarium.settings import Settings

ADA = Principal(id="ada", grants={"ws-user-ada": Role.ADMIN, "ws-user-bob": Role.ADMIN})
BOB = Principal(id="bob", grants={"ws-user-ada": Role.ADMIN, "ws-user-bob": Role.ADMIN})
DECLARED = Declared(path="model.bin", size_bytes=5, sha256=None)


@pytest.fixture
async def core(tmp_path):
    async with open_core(Settings(data=tmp_path, blob_grace=timedelta(0))) as opened_core:
        for user in ("ada", "bob"):
            await opened_core.accounts.create_user(ROOT, user)
        yield opened_core


async def orbit_of(core: Core, id: str):
    workspace = await core.catalog.find_workspace("ws-user-ada", viewer="ada")
    return await core.collections.create_root(ADA, workspace, {"name": "Orbit"}, id=id)


async def test_what_was_made_before_under_the_same_id_is_not_made_again(core):
    orbit_id, collection_id, artifact_id = (str(uuid4()) for _ in range(3))
    for _ in range(2):
        assert (await orbit_of(core, orbit_id)).artifact.id == orbit_id
        orbit = await core.catalog.find_artifact(ById(ArtifactId(orbit_id)))
        await core.collections.create_in(ADA, orbit, {"name": "Collection"}, id=collection_id)
        collection = await core.catalog.find_artifact(ById(ArtifactId(collection_id)))
        view, target = await core.deliveries.announce(
            ADA, collection, manifest={"name": "Model"}, type="model", declared=DECLARED, id=artifact_id
        )
        assert (view.artifact.id, bool(target.url)) == (artifact_id, True)
    found = await core.catalog.find_artifact(ById(ArtifactId(collection_id)), count_children=True)
    assert found.child_count == 1


async def test_somebody_elses_id_is_refused(core):
    orbit_id = str(uuid4())
    await orbit_of(core, orbit_id)
    workspace = await core.catalog.find_workspace("ws-user-ada", viewer="bob")
    with pytest.raises(AlreadyExists):
        await core.collections.create_root(BOB, workspace, {"name": "Mine"}, id=orbit_id)
