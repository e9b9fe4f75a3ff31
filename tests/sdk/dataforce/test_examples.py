"""The examples of the contract run as printed, but for the address, the key, the ids and the paths."""

import asyncio
import inspect
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

import armarium
from armarium import Artifact, ArtifactStatus, NotFoundError
from armarium.sdk.dataforce import ArtifactResource, ArtifactResourceBase, AsyncArtifactResource
from tests.sdk.dataforce.conftest import Place

ORGANIZATION = "0199c455-21ec-7c74-8efe-41470e29bae5"
ORBIT = "0199c455-21ed-7aba-9fe5-5231611220de"
COLLECTION = "0199c455-21ee-74c6-b747-19a82f1a1e75"
ARTIFACT = "0199c455-21ee-74c6-b747-19a82f1a1e67"

SYNC = """
dfs = DataForceClient(
    api_key="dfs_your_key",
    organization="0199c455-21ec-7c74-8efe-41470e29bae5",
    orbit="0199c455-21ed-7aba-9fe5-5231611220de",
    collection="0199c455-21ee-74c6-b747-19a82f1a1e75"
)
"""
ASYNC = """
dfs = AsyncDataForceClient(
    api_key="dfs_your_key",
)
dfs.setup_config(
    organization="0199c455-21ec-7c74-8efe-41470e29bae5",
    orbit="0199c455-21ed-7aba-9fe5-5231611220de",
    collection="0199c455-21ee-74c6-b747-19a82f1a1e75"
)
"""
BODIES = {
    "get": """
model_by_name = dfs.artifacts.get("my_model")
model_by_id = dfs.artifacts.get(
    "0199c455-21ee-74c6-b747-19a82f1a1e67"
)
""",
    "list": """
artifacts = dfs.artifacts.list()
""",
    "download_url": """
url_info = dfs.artifacts.download_url(
    "0199c455-21ee-74c6-b747-19a82f1a1e67"
)
download_url = url_info["url"]
""",
    "delete_url": """
url_info = dfs.artifacts.delete_url(
    "0199c455-21ee-74c6-b747-19a82f1a1e67"
)
""",
    "upload": """
model = dfs.artifacts.upload(
    file_path="/path/to/model.fnnx",
    name="Production Model",
    description="Trained on latest dataset",
    tags=["ml", "production"],
    collection_id="0199c455-21ee-74c6-b747-19a82f1a1e75"
)
""",
    "download": """
# Download with original filename
dfs.artifacts.download("0199c455-21ee-74c6-b747-19a82f1a1e67")

# Download to specific path
dfs.artifacts.download(
    "0199c455-21ee-74c6-b747-19a82f1a1e67",
    file_path="/local/path/downloaded_model.fnnx",
    collection_id="0199c455-21ee-74c6-b747-19a82f1a1e75"
)
""",
    "create": """
result = dfs.artifacts.create(
    file_name="model.fnnx",
    extra_values={"accuracy": 0.95},
    manifest={"version": "1.0"},
    file_hash="abc123",
    file_index={"layer1": (0, 1024)},
    size=1048576,
    name="Test Model"
)
upload_url = result["url"]
model = result["model"]
""",
    "update": """
model = dfs.artifacts.update(
    "0199c455-21ee-74c6-b747-19a82f1a1e67",
    name="Updated Model",
    status=ArtifactStatus.UPLOADED
)
""",
    "delete": """
dfs.artifacts.delete("0199c455-21ee-74c6-b747-19a82f1a1e67")
""",
}

Run = Callable[..., dict[str, Any]]


def as_async(body: str) -> str:
    """The same body as the async half of the contract prints it."""
    awaited = body.replace("dfs.artifacts.", "await dfs.artifacts.")
    return f"async def main():\n{textwrap.indent(awaited, '    ')}\n    return locals()\n"


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run an example by name and return its variables."""
    monkeypatch.setenv("DFS_BASE_URL", place.url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "local").mkdir()

    def run(name: str, artifact_id: str = ARTIFACT) -> dict[str, Any]:
        program = SYNC + BODIES[name] if request.param == "sync" else ASYNC + as_async(BODIES[name])
        real = {
            "dfs_your_key": place.key,
            ORGANIZATION: place.organization,
            ORBIT: place.orbit,
            COLLECTION: place.collection,
            ARTIFACT: artifact_id,
            "/path/to": str(tmp_path),
            "/local/path": str(tmp_path / "local"),
        }
        for printed, value in real.items():
            program = program.replace(printed, value)
        names: dict[str, Any] = {name: getattr(armarium, name) for name in armarium.__all__}
        exec(program, names)
        return names if request.param == "sync" else asyncio.run(names["main"]())

    return run


@pytest.fixture
def my_model(place: Place, model: Path) -> Artifact:
    return place.sync().artifacts.upload(str(model), "my_model", "Trained model", ["ml", "production"])


def test_get(run: Run, my_model: Artifact):
    seen = run("get", my_model.id)
    assert seen["model_by_name"] == seen["model_by_id"] == my_model
    assert (my_model.name, my_model.file_name, my_model.description) == ("my_model", "model.fnnx", "Trained model")
    assert my_model.tags == ["ml", "production"]


def test_list(run: Run, my_model: Artifact):
    assert run("list")["artifacts"] == [my_model]


async def fetched(url: str) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        response.raise_for_status()
        return await response.read()


def test_download_url(run: Run, my_model: Artifact, model: Path):
    assert asyncio.run(fetched(run("download_url", my_model.id)["download_url"])) == model.read_bytes()


async def deleted(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.delete(url) as response:
        return response.status


def test_delete_url(run: Run, my_model: Artifact, place: Place):
    url = run("delete_url", my_model.id)["url_info"]["url"]
    artifact = place.sync().artifacts.get(my_model.id)
    assert artifact is not None
    assert artifact.status == "pending_deletion"
    assert 200 <= asyncio.run(deleted(url)) < 300


def test_upload(run: Run, place: Place, model: Path):
    artifact = run("upload")["model"]
    assert isinstance(artifact, Artifact)
    assert artifact.status == ArtifactStatus.UPLOADED
    assert (artifact.name, artifact.file_name) == ("Production Model", "model.fnnx")
    assert (artifact.description, artifact.tags) == ("Trained on latest dataset", ["ml", "production"])
    assert artifact.manifest["producer_name"] == "falcon.beastbyte.ai"
    assert artifact.collection_id == place.collection
    assert artifact.size == model.stat().st_size
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", artifact.created_at)


def test_download(run: Run, my_model: Artifact, model: Path, tmp_path: Path):
    content = model.read_bytes()
    model.unlink()
    run("download", my_model.id)
    assert (tmp_path / "model.fnnx").read_bytes() == content
    assert (tmp_path / "local" / "downloaded_model.fnnx").read_bytes() == content


def test_create(run: Run):
    seen = run("create")
    if "upload_url" in seen:
        assert seen["upload_url"] == seen["result"]["url"]
    assert seen["result"]["url"].startswith("http")
    artifact = seen["result"]["model"]
    assert (artifact.name, artifact.status) == ("Test Model", ArtifactStatus.PENDING_UPLOAD)
    assert (artifact.manifest, artifact.extra_values) == ({"version": "1.0"}, {"accuracy": 0.95})
    assert (artifact.file_hash, artifact.file_index, artifact.size) == ("abc123", {"layer1": (0, 1024)}, 1048576)


async def put(url: str, content: bytes) -> None:
    async with aiohttp.ClientSession() as session, session.put(url, data=content) as response:
        response.raise_for_status()


def test_update(run: Run, place: Place, model: Path):
    created = place.sync().artifacts.create(
        None, "model.fnnx", {}, {"version": "1.0"}, "", {}, size=model.stat().st_size
    )
    asyncio.run(put(str(created["url"]), model.read_bytes()))
    artifact = run("update", created["model"].id)["model"]  # type: ignore[union-attr]
    assert (artifact.name, artifact.status) == ("Updated Model", ArtifactStatus.UPLOADED)


def test_delete(run: Run, my_model: Artifact, place: Place):
    run("delete", my_model.id)
    assert place.sync().artifacts.get(my_model.id) is None
    with pytest.raises(NotFoundError):
        run("delete", my_model.id)


def test_the_values_the_contract_prints_can_be_written_as_printed():
    artifact = Artifact(
        id="0199c455-21ee-74c6-b747-19a82f1a1e67",
        name="my_model",
        file_name="model.fnnx",
        description="Trained model",
        collection_id="0199c455-21ee-74c6-b747-19a82f1a1e75",
        status=ArtifactStatus.UPLOADED,
        tags=["ml", "production"],
        created_at="2025-01-15T10:30:00.123456Z",
        updated_at=None,
    )
    assert artifact.status == "uploaded"
    assert msgspec.structs.replace(artifact, status="uploaded") == artifact


SIGNATURES = {
    "get": "artifact_value, *, collection_id=None",
    "list": "*, collection_id=None",
    "download_url": "artifact_id, *, collection_id=None",
    "delete_url": "artifact_id, *, collection_id=None",
    "upload": "file_path, name, description=None, tags=None, *, collection_id=None, on_progress=None",
    "download": "artifact_id, file_path=None, *, collection_id=None, on_progress=None",
    "create": "collection_id, file_name, extra_values, manifest, file_hash, file_index, size, "
    "name=None, description=None, tags=None",
    "update": "artifact_id, file_name=None, name=None, description=None, tags=None, status=None, *, collection_id=None",
    "delete": "artifact_id, *, collection_id=None",
}


def bare_signature(method: Any) -> str:
    """Names, kinds and defaults, without annotations."""
    signature = inspect.signature(method)
    parameters = [p.replace(annotation=p.empty) for p in list(signature.parameters.values())[1:]]
    return str(inspect.Signature(parameters))[1:-1].replace(" = ", "=")


@pytest.mark.parametrize("resource", [ArtifactResource, AsyncArtifactResource])
@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_every_method_has_the_arguments_of_the_contract_and_says_what_it_does(name: str, resource: type):
    method = getattr(resource, name)
    assert bare_signature(method) == SIGNATURES[name]
    assert inspect.iscoroutinefunction(method) == (resource is AsyncArtifactResource)
    assert inspect.getdoc(method)
    assert issubclass(resource, ArtifactResourceBase)
