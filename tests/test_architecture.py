"""The tree is the architecture diagram, and stays readable."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

MAX_FILE_LINES = 640
MAX_FUNCTION_LINES = 60
NAMELESS = {"utils", "util", "helpers", "helper", "misc", "common"}
CLIENTS = {"hypha", "hypha_rpc", "hypha_artifact", "dataforce", "luml", "ivcap_client"}
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_logo=True, no_cache=True))"


def lint_imports(repository: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of `pyproject.toml` on the package under `repository/src`."""
    environment = os.environ | {"PYTHONPATH": str(repository / "src")}
    return subprocess.run(
        [sys.executable, "-c", LINT], cwd=repository, env=environment, capture_output=True, text=True, check=False
    )


def test_imports_point_inwards(repository: Path):
    done = lint_imports(repository)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("domain/errors.py", "import armarium.core"),
        ("core/__init__.py", "import armarium.faces.hypha"),
        ("core/__init__.py", "import armarium.adapters.catalog"),
        ("adapters/__init__.py", "import armarium.core"),
        ("sdk/__init__.py", "import armarium.ports.blobs"),
    ],
)
def test_an_import_that_points_outwards_is_caught(repository: Path, tmp_path: Path, module: str, planted: str):
    shutil.copytree(repository / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(repository / "pyproject.toml", tmp_path)
    with (tmp_path / "src/armarium" / module).open("a") as source:
        source.write(f"\n{planted}\n")
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    assert "BROKEN" in done.stdout, done.stdout + done.stderr


def python_files(repository: Path, *folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((repository / folder).rglob("*.py"))


def test_no_file_is_too_long_to_read(repository: Path):
    lengths = {
        str(path.relative_to(repository)): len(path.read_text().splitlines())
        for path in python_files(repository, "src", "tests", "examples", "bench")
    }
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines >= MAX_FILE_LINES} == {}


def function_lengths(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_function_is_too_long_to_hold_in_mind(repository: Path):
    long = [
        f"{path.relative_to(repository)}: {name} has {lines} lines"
        for path in python_files(repository, "src")
        if "migrations" not in path.parts  # a schema is one long flat table
        for name, lines in function_lengths(path)
        if lines > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_every_module_has_a_name_that_says_something(repository: Path):
    nameless = [path for path in python_files(repository, "src", "tests", "bench") if path.stem in NAMELESS]
    assert nameless == []


def imported_packages(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("door", ["aimable", "dataforce", "hypha", "ivcap"])
def test_every_door_has_the_same_five_files(repository: Path, door: str):
    files = {path.name for path in (repository / "src/armarium/faces" / door).glob("*.py")}
    assert files >= {"routes.py", "schemas.py", "mapping.py", "credentials.py", "errors.py"}


def test_the_package_never_imports_the_clients_it_serves(repository: Path):
    guests = [path for path in python_files(repository, "src") if CLIENTS & set(imported_packages(path))]
    assert guests == []
