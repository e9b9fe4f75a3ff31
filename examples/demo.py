"""Serve a temporary folder on a free port, run the gallery example against it, and clean up.

`KEEP=1 make demo` leaves the server running until Ctrl-C, to look around.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from armarium.testing.server import RunningServer

GALLERY = Path(__file__).with_name("gallery.py")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="armarium-demo-") as data, RunningServer(Path(data)) as server:
        print(f"armarium is serving {data} on {server.url}\n", flush=True)
        server.make_user("ada")
        token = server.make_token("ada")
        code = subprocess.run(
            [sys.executable, GALLERY, "--server", server.url, "--token", token], check=False
        ).returncode
        if code == 0 and os.environ.get("KEEP", "") not in ("", "0"):
            _keep(server, token)
        return code


def _keep(server: RunningServer, token: str) -> None:
    print(f"\nStill serving {server.url} (process {server.pid}) with the token\n{token}\nCtrl-C ends it.", flush=True)
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        print("\nStopped; nothing was kept.")


if __name__ == "__main__":
    sys.exit(main())
