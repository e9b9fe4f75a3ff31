"""Keep reports in a space: make them once, list them, read them back.

python examples/aimable.py --server http://127.0.0.1:8100 --token "$TOKEN"
"""

import argparse
import tempfile
from pathlib import Path

from armarium import AimableClient


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--server", required=True, help="URL of an armarium")
    parser.add_argument("--token", required=True, help="a token of a user there")
    arguments = parser.parse_args()
    client = AimableClient(arguments.server, api_key=arguments.token)

    space = client.spaces.create("Field notes", description="What was seen in Orkney")
    for day in (1, 2):
        text = f"Day {day}: {day * 3} auks, {day} gulls.\n"
        # The key makes the call safe to repeat: after a crash, too, there is one note per day.
        key = f"{space.id}-day-{day}"
        notes = [
            client.artifacts.generate(space.id, f"day-{day}.txt", text, thread_id="orkney", idempotency_key=key)
            for _ in range(2)
        ]
        assert notes[0].id == notes[1].id

    for artifact in client.artifacts.iterate(space.id, thread_id="orkney"):
        (job,) = client.artifacts.jobs(space.id, artifact.id)
        said = client.artifacts.read(space.id, artifact.id).decode().strip()
        print(f"{artifact.name} ({artifact.mime_type}, job {job.status}): {said}")

    with tempfile.TemporaryDirectory(prefix="armarium-aimable-") as folder:
        newest = client.artifacts.list(space.id, limit=1).data[0]
        path = client.artifacts.download(space.id, newest.id, folder)
        assert path == Path(folder) / "day-2.txt"
        print(f"{path.name}: {path.stat().st_size} bytes on disk")


if __name__ == "__main__":
    main()
