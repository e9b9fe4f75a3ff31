"""The doors keep to their published documents: whatever is sent, no 5xx and no status they do not name."""

import subprocess
import sys

import pytest

from tests.faces.people import Person

CHECKS = "not_a_server_error,status_code_conformance,response_schema_conformance"
EXAMPLES = 6
UNPRINTABLE = "append_to_blob"
"""Its body is of a media type the generator has no words for; `test_tus.py` covers it."""


@pytest.mark.slow
@pytest.mark.parametrize("door", ["aimable", "dataforce", "ivcap"])
def test_a_door_keeps_to_its_document(url: str, ada: Person, door: str, tmp_path):
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi/{door}.json",
        "-H", f"Authorization: Bearer {ada.token}", "--checks", CHECKS, "--phases", "fuzzing",
        "--max-examples", str(EXAMPLES), "--max-time", "25", "--seed", "1", "--exclude-operation-id", UNPRINTABLE,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-1000:]
