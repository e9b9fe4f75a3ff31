"""Documentation fails the build when it lies."""

import ast
import dataclasses
import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cyclopts import App
from hypha_rpc import connect_to_server

from armarium.app import build
from armarium.cli.main import app as command_line
from armarium.domain import errors
from armarium.settings import Settings
from armarium.testing.server import RunningServer
from tests.conftest import REPOSITORY
from tests.markdown_pages import anchors, code_blocks, headings, links, section

DOCS = REPOSITORY / "docs"
REFERENCE = DOCS / "reference"
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "changes").glob("*.md")), *sorted(DOCS.rglob("*.md"))]
KNOWN_LANGUAGES = {"python", "bash", "console", "text", "json", "toml"}


def name_of(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


# -- the pages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path):
    local = [link for link in links(page) if link.is_local]
    assert [link.target for link in local if not link.file.exists()] == []
    to_headings = [link for link in local if link.anchor and link.file.suffix == ".md"]
    assert [link.target for link in to_headings if link.anchor not in anchors(link.file)] == []


def test_every_page_can_be_reached_from_the_index():
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [link.file for link in links(page) if link.is_local and link.file.suffix == ".md"]
    assert [name_of(page) for page in sorted(DOCS.rglob("*.md")) if page not in reached] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_code_block_is_code(page: Path):
    for block in code_blocks(page):
        assert block.language in KNOWN_LANGUAGES, f"line {block.line}: no such block language: '{block.language}'"
        if block.language == "python":
            compile(block.text, f"{name_of(page)}:{block.line}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        elif block.language == "bash":
            done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"line {block.line}: {done.stderr}"


def test_the_commands_of_the_readme_are_targets_of_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    shown = " ".join(block.text for page in PAGES for block in code_blocks(page))
    named = set(re.findall(r"\bmake ([a-z-]+)", shown))
    assert {"demo", "test"} <= named <= targets


def test_the_documentation_is_rendered_without_a_warning_and_fetches_nothing(tmp_path: Path):
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rendered = "".join(page.read_text() for page in tmp_path.rglob("*.html"))
    assert re.findall(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="((?:https?:)?//[^"]*)"', rendered) == []


# -- the reference -----------------------------------------------------------------------------------------------------


def setting_names() -> set[str]:
    fields: Any = (
        dataclasses.fields(Settings) if dataclasses.is_dataclass(Settings) else msgspec.structs.fields(Settings)
    )
    return {f"ARMARIUM_{field.name.upper()}" for field in fields}


def test_every_setting_is_in_the_reference():
    assert setting_names() - set(re.findall(r"ARMARIUM_[A-Z0-9_]+", (REFERENCE / "settings.md").read_text())) == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_setting_that_is_not_there(page: Path):
    assert set(re.findall(r"ARMARIUM_[A-Z0-9_]*[A-Z0-9]", page.read_text())) - setting_names() == set()


def commands(app: App, *words: str) -> Iterator[tuple[str, App]]:
    """Each command that does something, with its full name."""
    names = [name for name in app if not name.startswith("-")]
    if words and app.default_command is not None:
        yield " ".join(words), app
    for name in names:
        yield from commands(app[name], *words, name)


def all_commands() -> dict[str, App]:
    return dict(commands(command_line, "armarium"))


def option_names(command: App) -> list[str]:
    arguments = command.assemble_argument_collection()
    return [
        argument.name
        for argument in arguments
        if argument.show and argument.field_info.kind is inspect.Parameter.KEYWORD_ONLY
    ]


def test_every_command_and_option_is_in_the_reference():
    page = REFERENCE / "cli.md"
    missing = {
        name: [option for option in option_names(command) if f"`{option}" not in section(page, f"`{name}`")]
        for name, command in all_commands().items()
    }
    assert {name: options for name, options in missing.items() if options} == {}
    assert [name for name in missing if f"`{name}`" not in headings(page)] == []


def test_the_reference_names_no_command_that_is_not_there():
    named = {heading.strip("`") for heading in headings(REFERENCE / "cli.md") if heading.startswith("`")}
    assert named - set(all_commands()) == set()


def routes_of(app: Any, prefix: str = "") -> Iterator[str]:
    """Every path an ASGI app routes, in the notation of the reference: parameters without converters."""
    while not hasattr(app, "routes") and hasattr(app, "app"):
        app = app.app  # middleware
    for route in app.routes:
        path = prefix + route.path
        if getattr(route, "routes", None):
            yield from routes_of(route, path)
        else:
            yield re.sub(r"{(\w+):\w+}", r"{\1}", path)


def test_every_route_is_in_the_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    served = set(routes_of(build(Settings())))
    pages = "".join(page.read_text() for page in REFERENCE.glob("*.md"))
    documented = set(re.findall(r"`(?:[A-Z]+ )?(/[^` ?]*)[^`]*`", pages))
    documented |= {path.removeprefix("/v1") for path in documented}  # the dataforce door has every path twice
    documented |= {f"/api-proxy{path}" for path in documented if path.startswith("/v1/")}
    assert served
    assert served - documented == set()


def test_every_error_is_in_the_reference_and_no_other():
    tree = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    named = set(re.findall(r"^\| `(\w+)` \|", (REFERENCE / "errors.md").read_text(), re.MULTILINE))
    assert named == tree


async def test_every_function_of_the_hypha_service_is_in_the_reference_and_no_other(running_server: RunningServer):
    server = await connect_to_server({"server_url": running_server.url, "token": running_server.admin_token})
    try:
        service = await server.get_service("public/artifact-manager")
    finally:
        await server.disconnect()
    offered = {name for name, value in service.items() if callable(value)}
    open_now = section(REFERENCE / "hypha.md", "Functions")
    assert set(re.findall(r"^\| `(\w+)\(", open_now, re.MULTILINE)) == offered


# -- pages that are programs -------------------------------------------------------------------------------------------

PROGRAMS = [
    "README.md",
    "docs/getting-started.md",
    "docs/how-to/users-and-tokens.md",
    "docs/how-to/plain-http.md",
    "docs/how-to/back-up.md",
    "docs/how-to/ivcap.md",
    "docs/how-to/dataforce.md",
    "docs/how-to/publish-a-model.md",
]


def as_script(page: Path, url: str) -> str:
    """All `bash` and `python` blocks of a page in order, as one shell script against a server."""
    parts = ["set -euo pipefail"]
    for block in code_blocks(page):
        if block.language == "bash":
            parts.append(block.text)
        elif block.language == "python":
            parts.append(f"python - <<'END_OF_BLOCK'\n{block.text}END_OF_BLOCK")
    return "\n".join(parts).replace("http://127.0.0.1:8100", url)


@pytest.fixture
def shell_environment(tmp_path: Path) -> dict[str, str]:
    """A shell in which `python` and `armarium` are the ones under test."""
    for name, command in {"python": "", "armarium": "-m armarium"}.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
        program.chmod(0o755)
    path = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY / "src")}
    return {name: value for name, value in os.environ.items() if not name.startswith("ARMARIUM_")} | path


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_a_page_tells_to_do_works(name: str, tmp_path: Path, shell_environment: dict[str, str]):
    page = REPOSITORY / name
    assert any(block.language == "bash" for block in code_blocks(page))
    with RunningServer(tmp_path / "data") as server:
        script = as_script(page, server.url)
        if "curl " in script and shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=shell_environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
