"""Each REST door against its own published document: whatever is sent, no 5xx and no status it does not name."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from armarium.domain.identifiers import workspace_uuid
from armarium.testing.server import RunningServer

CHECKS = "not_a_server_error,status_code_conformance,response_schema_conformance"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = {"ARMARIUM_LOG_LEVEL": "warning", "ARMARIUM_MAX_FILE_BYTES": "1MiB"}
    with RunningServer(tmp_path_factory.mktemp("described") / "data", settings=settings) as server:
        yield server


@pytest.fixture(scope="module")
def known(server) -> dict[str, str]:
    """The ids of things that are there, by the names the doors give them."""
    headers = {"X-API-Key": server.admin_token}
    base = f"{server.url}/v1/spaces"
    space = requests.post(base, json={"name": "Lab"}, headers=headers, timeout=30).json()["space_id"]
    body = {"name": "a.txt", "content": base64.b64encode(b"hello").decode()}
    made = requests.post(f"{base}/{space}/artifacts/generate", json=body, headers=headers, timeout=30).json()
    artifact = made["id"]
    return {
        "space_id": space, "orbit_id": space, "collection_id": space, "artifact_id": artifact,
        "organization_id": workspace_uuid("ws-user-admin"), "job_id": made["job_id"],
        "model_artifact_id": artifact, "ml_model_id": artifact, "model_id": artifact,
        "id": f"urn:ivcap:artifact:{artifact}",
    }  # fmt: skip


UNPRINTABLE = ("append_to_blob", "search")
"""Their bodies are of media types the generator has no words for; tests of their own send them anything."""


def fuzz(server: RunningServer, door: str, tmp_path: Path, known: dict[str, str], *options: str) -> str:
    config = tmp_path / "schemathesis.toml"
    config.write_text("[parameters]\n" + "".join(f'"path.{name}" = "{value}"\n' for name, value in known.items()))
    credentials = ("-H", f"Authorization: Bearer {server.admin_token}")
    credentials += ("-H", f"X-API-Key: {server.admin_token}") if door == "aimable" else ()
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run",
            f"{server.url}/openapi/{door}.json", *credentials, "--checks", CHECKS, "--phases", "coverage,fuzzing",
            "--max-examples", "15", "--seed", "1", "--generation-database", "none", "--no-color",
            *(word for name in UNPRINTABLE for word in ("--exclude-operation-id", name)), *options,
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-15_000:] + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("door", ["aimable", "dataforce", "ivcap"])
def test_a_door_answers_as_it_says_about_things_that_are_there(server, door, tmp_path, known):
    assert "passed" in fuzz(server, door, tmp_path, known, "--exclude-method", "DELETE")


@pytest.mark.slow
@pytest.mark.parametrize("door", ["aimable", "dataforce", "ivcap"])
def test_a_door_answers_as_it_says_about_things_that_are_not(server, door, tmp_path):
    assert "passed" in fuzz(server, door, tmp_path, {})
