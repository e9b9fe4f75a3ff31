import asyncio
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.assembly import open_core
from armarium.domain import token_text
from armarium.testing.server import RunningServer
from tests.killing import ADA, settings_of


class Shell:
    """A shell next to one data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ARMARIUM_")}
        environment = inherited | {"ARMARIUM_DATA": str(self.data), "COLUMNS": "200"} | variables
        command = [sys.executable, "-m", "armarium", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)

    def ok(self, *words: str) -> str:
        done = self.run(*words)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def json(self, *words: str):
        return json.loads(self.ok(*words, "--json"))

    def refused(self, *words: str, code: int = 1, **variables: str) -> str:
        done = self.run(*words, **variables)
        assert done.returncode == code, done.stdout + done.stderr
        assert done.stderr.startswith("armarium: ")
        assert "Traceback" not in done.stderr
        return done.stderr


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


def test_users_are_made_and_listed(shell):
    assert "ada" in shell.ok("user", "create", "ada", "--email", "ada@example.org")
    shell.ok("user", "create", "boss", "--admin")
    listed = {user["id"]: user for user in shell.json("user", "list")}
    assert listed.keys() == {"root", "ada", "boss"}
    assert (listed["ada"]["email"], listed["boss"]["roles"]) == ("ada@example.org", ["admin"])


def test_workspaces_are_made_listed_and_deleted(shell):
    shell.ok("user", "create", "ada")
    assert shell.json("workspace", "create", "lab-a", "--owner", "ada", "--title", "Lab")[0]["owner"] == "ada"
    names = {workspace["name"] for workspace in shell.json("workspace", "list")}
    assert names == {"public", "ws-anonymous", "ws-user-root", "ws-user-ada", "lab-a"}
    shell.ok("workspace", "delete", "lab-a")
    assert "lab-a" not in shell.ok("workspace", "list")


def test_a_token_is_alone_on_the_last_line(shell):
    shell.ok("user", "create", "ada")
    lines = shell.ok("token", "create", "--user", "ada", "--label", "laptop", "--expires", "30d").splitlines()
    assert token_text.is_token(lines[-1])
    assert lines[-1] not in shell.ok("token", "list", "--user", "ada", "--json")


def test_a_token_can_be_narrow(shell):
    shell.ok("user", "create", "ada")
    made = shell.json(
        "token", "create", "--user", "ada", "--workspace", "ws-user-ada", "--role", "read", "--expires", "12h",
        "--scope", "get_file:ws-user-ada/x:*", "--scope", "get_file:ws-user-ada/y:*",
    )  # fmt: skip
    assert (made["workspace"], made["role"], len(made["scopes"])) == ("ws-user-ada", "read", 2)
    assert made["expires_at"] is not None


def test_a_revoked_token_is_gone(shell):
    shell.ok("user", "create", "ada")
    made = shell.json("token", "create", "--user", "ada")
    shell.ok("token", "revoke", made["id"])
    assert shell.json("token", "list", "--user", "ada") == []


def test_a_disabled_user_is_marked(shell):
    shell.ok("user", "create", "ada")
    assert shell.json("user", "disable", "ada")[0]["roles"] == ["disabled"]
    assert shell.json("user", "enable", "ada")[0]["roles"] == []


def test_sweeping_says_what_went(shell):
    assert json.loads(shell.ok("sweep", "--dry-run"))["dry_run"] is True
    assert json.loads(shell.ok("sweep"))["unreferenced"] == 0


def test_refusals_say_why_and_end_with_one(shell):
    shell.ok("user", "create", "ada")
    assert "already exists" in shell.refused("user", "create", "ada")
    assert "nobody" in shell.refused("token", "create", "--user", "nobody")
    assert "no-such" in shell.refused("token", "revoke", "no-such")
    assert "soonish" in shell.refused("token", "create", "--user", "ada", "--expires", "soonish")
    assert "reserved" in shell.refused("workspace", "create", "public")
    assert "nowhere" in shell.refused("token", "create", "--user", "ada", "--workspace", "nowhere")


def test_wrong_settings_are_refused(shell, tmp_path):
    assert "'port'" in shell.refused("serve", ARMARIUM_PORT="eighty")
    assert "ARMARIUM_PROT" in shell.refused("user", "list", ARMARIUM_PROT="1")
    assert "none.toml" in shell.refused("serve", "--config", str(tmp_path / "none.toml"))


def test_a_data_folder_that_cannot_be_is_refused(shell):
    shell.data = Path("/proc/armarium")
    shell.refused("user", "list")


@pytest.mark.parametrize(
    "words", [["frob"], ["user", "frob"], ["user", "create"], ["token", "create", "--role", "boss"]]
)
def test_what_is_not_understood_ends_with_two(shell, words):
    shell.refused(*words, code=2)


def test_help_and_version_need_no_server_parts(shell):
    code = (
        "import sys; sys.argv = ['armarium', '--help']\n"
        "from armarium.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'starlette', 'uvicorn', 'cryptography', 'jwt', 'aiohttp', 'armarium.settings'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: []"
    assert {"check", "copy", "migrate", "serve", "sweep", "token", "user", "workspace"} <= set(
        re.findall(r"\w+", done.stdout)
    )
    assert re.fullmatch(r"\d+\.\d+\S*\n", shell.ok("--version"))


def status_of(url: str, token: str) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_first_start_says_a_token_that_works_and_later_ones_do_not(tmp_path):
    with RunningServer(tmp_path / "data") as server:
        token = server.admin_token
        assert token_text.is_token(token)
        assert status_of(f"{server.url}/ws-user-admin/artifacts/", token) == 200
        mistyped = token[:-1] + ("y" if token.endswith("x") else "x")
        assert status_of(f"{server.url}/ws-user-admin/artifacts/", mistyped) == 401
        stored = asyncio.run(find(tmp_path / "data", token))
        assert stored.user_id == "admin"
    shell = Shell(tmp_path / "data")
    assert {user["id"] for user in shell.json("user", "list")} == {"root", "admin"}


async def find(data: Path, token: str):
    """The token's record, read beside the running server."""
    catalog = SqliteCatalog(data / "catalog.sqlite")
    await catalog.open()
    try:
        return await catalog.find_token(token_text.digest(token))
    finally:
        await catalog.close()


def test_checking_says_what_is_damaged_and_ends_with_one(shell):
    assert "all is well" in shell.ok("check")
    asyncio.run(damage(shell.data))
    report = json.loads(shell.run("check", "--json").stdout)
    assert [problem["reason"] for problem in report["problems"]] == ["missing"]
    damaged = shell.run("check", "--read-data")
    assert (damaged.returncode, damaged.stderr) == (1, "")
    assert "ws-user-ada/box v0 a.txt" in damaged.stdout


async def damage(data: Path) -> None:
    async with open_core(settings_of(data)) as core:
        await core.accounts.ensure_home("ada")
        await core.artifacts.create(ADA, alias="box", manifest={"name": "Box"}, type="dataset", stage=True)
        await core.files.write(ADA, "box", "a.txt", b"soon gone")
        await core.versions.commit(ADA, "box")
    next(path for path in (data / "files" / "blobs").rglob("*") if path.is_file()).unlink()


def test_a_store_is_copied_and_says_how_much(shell, tmp_path):
    shell.ok("user", "create", "ada")
    target = str(tmp_path / "other")
    copied = json.loads(shell.run("copy", "--from", str(shell.data), "--to", target, "--json").stdout)
    assert copied["tables"]["user"] == 2
    assert "held everything already" in shell.run("copy", "--from", str(shell.data), "--to", target).stdout
    assert "nowhere" in shell.refused("copy", "--from", str(tmp_path / "nowhere"), "--to", target)
    other = Shell(Path(target))
    assert other.json("user", "list") == shell.json("user", "list")
    other.ok("user", "create", "bob")
    assert "empty target" in shell.refused("copy", "--from", str(shell.data), "--to", target)


def test_migrating_says_from_where_to_where(shell):
    assert shell.ok("migrate").startswith("the schema was brought from nothing to ")
    assert shell.ok("migrate").endswith(" already\n")
    again = shell.json("migrate")
    assert again["from"] == again["to"]


@pytest.mark.parametrize("words", [["serve", "--port", "0"], ["user", "list"], ["worker"]])
def test_where_only_the_clients_are_installed_the_server_says_what_to_install(tmp_path: Path, words: list[str]):
    without = "import sys; sys.modules.update(dict.fromkeys(['uvicorn', 'sqlalchemy', 'starlette']))"
    program = f"{without}; from armarium.cli.main import main; main()"
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.endswith("is missing; this needs the extra `server`: pip install 'armarium[server]'.\n")
