"""The `armarium` command: its nouns and verbs, and how it ends.

Nothing of the server is imported here, so that help and completion are quick.
"""

import sys

from cyclopts import App

from armarium._version import __version__

app = App(
    name="armarium",
    help="An artifact store for research and machine learning.",
    version=__version__,
    help_format="plaintext",
)
app.command("armarium.cli.serve:serve", name="serve", help="Run the server until it is interrupted.")
app.command("armarium.cli.sweep:sweep", name="sweep", help="Remove bytes nothing refers to any more.")
app.command("armarium.cli.check:check", name="check", help="Compare the store with its records.")
app.command("armarium.cli.copy:copy", name="copy", help="Carry everything into another store.")
app.command("armarium.cli.migrate:migrate", name="migrate", help="Bring the database's schema up to date.")
app.command("armarium.cli.user:app", name="user", help="Users: create, list, disable.")
app.command("armarium.cli.workspace:app", name="workspace", help="Workspaces: create, list, share, delete.")
app.command("armarium.cli.orbit:app", name="orbit", help="Orbits, the root collections of a workspace: create, list.")
app.command("armarium.cli.token:app", name="token", help="Tokens: create, list, revoke.")
app.command("armarium.cli.vectors:app", name="vectors", help="Vector collections: dump, load.")
app.command("armarium.cli.jobs:app", name="jobs", help="Jobs: list, show, retry, cancel.")
app.command("armarium.cli.worker:worker", name="worker", help="Do jobs beside a server, until interrupted.")

REFUSED = 1
INTERRUPTED = 130


def main() -> None:
    """Run one command. Exit codes: 0 done, 1 refused with the reason on stderr, 2 not understood, 130 interrupted."""
    from armarium.domain.errors import ArmariumError  # noqa: PLC0415 - help does without

    try:
        app(error_formatter=_plain, exit_on_error=True, result_action="return_value")
    except ArmariumError as error:
        sys.exit(_say(error.message))
    except OSError as error:
        sys.exit(_say(_os_message(error)))
    except ModuleNotFoundError as error:
        package = (error.name or "armarium").partition(".")[0]
        if package == "armarium":
            raise
        sys.exit(_say(f"{package} is missing; this needs the extra `server`: pip install 'armarium[server]'."))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _say(message: str) -> int:
    print(f"armarium: {message}", file=sys.stderr)
    return REFUSED


def _os_message(error: OSError) -> str:
    place = f" '{error.filename}'" if error.filename else ""
    return f"{error.strerror or error}{place}"


def _plain(error: Exception) -> str:
    return f"armarium: {error}"
