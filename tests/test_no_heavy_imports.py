"""`import armarium` is for people with a notebook: what only a server needs stays out."""

import subprocess
import sys
from pathlib import Path

HEAVY = [
    "aiohttp",
    "alembic",
    "asyncpg",
    "cryptography",
    "fastembed",
    "jinja2",
    "numpy",
    "obstore",
    "requests",
    "sqlalchemy",
    "sqlite3",
    "starlette",
    "uvicorn",
]


def heavy_modules_after(statement: str, repository: Path) -> set[str]:
    program = (
        f"import sys; sys.path.insert(0, {str(repository / 'src')!r}); {statement}; print(*sys.modules, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(HEAVY) & set(done.stdout.split())


def test_importing_armarium_loads_nothing_of_the_server(repository: Path):
    assert heavy_modules_after("import armarium", repository) == set()


def test_the_probe_sees_what_is_loaded(repository: Path):
    assert heavy_modules_after("import armarium.app", repository) >= {"starlette", "sqlalchemy"}


def test_a_server_starts_without_what_only_some_requests_need(repository: Path):
    assert heavy_modules_after("import armarium.serving", repository).isdisjoint(
        {"aiohttp", "alembic", "asyncpg", "fastembed", "numpy", "obstore", "requests"}
    )
