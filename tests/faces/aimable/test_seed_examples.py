"""The examples of the public documentation, run with curl as printed but for the address, the key and the ids."""

import json
import shutil
import subprocess

import pytest

EXAMPLES = """
curl -X GET "https://api.example.com/v1/spaces/{space_id}/artifacts" \\
     -H "X-API-Key: your_api_key"

curl -X GET "https://api.example.com/v1/spaces/{space_id}/artifacts/{artifact_id}" \\
     -H "X-API-Key: your_api_key"

curl -X GET "https://api.example.com/v1/spaces/{space_id}/artifacts/{artifact_id}/download" \\
     -H "X-API-Key: your_api_key" -o artifact_file.ext

curl -X POST "https://api.example.com/v1/spaces/{space_id}/artifacts/generate" \\
     -H "Content-Type: application/json" \\
     -H "X-API-Key: your_api_key" \\
     -d '{"name": "New Artifact", "type": "document", "content": "Base64EncodedContent"}'

curl -X GET "https://api.example.com/v1/spaces/{space_id}/artifacts/{artifact_id}/jobs" \\
     -H "X-API-Key: your_api_key"
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_examples_run_as_printed(once, url, tmp_path):
    listing, getting, downloading, generating, jobs = EXAMPLES.strip().split("\n\n")
    space = once.space()

    def run(example, artifact=""):
        script = example.replace("https://api.example.com", url).replace("your_api_key", once.headers["X-API-Key"])
        script = script.replace("{space_id}", space).replace("{artifact_id}", artifact)
        command = ["bash", "-c", script.replace("curl ", "curl --noproxy '*' -sSf ", 1)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    made = run(generating)
    assert [artifact["id"] for artifact in run(listing)["data"]] == [made["id"]]
    assert run(getting, made["id"])["status"] == "completed"
    run(downloading, made["id"])
    assert len((tmp_path / "artifact_file.ext").read_bytes()) == 15
    assert run(jobs, made["id"])["data"][0]["status"] == "completed"
