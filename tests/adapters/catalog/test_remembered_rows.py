"""What was read before is answered from memory, and never once anybody has committed."""

import asyncio
import subprocess
import sys

import pytest

from armarium.adapters.catalog import remembered
from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.domain.account import User

RENAME = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("UPDATE user SET email = ? WHERE id = 'ada'", (sys.argv[2],))
connection.commit()
"""


@pytest.fixture
async def catalog(tmp_path):
    catalog = SqliteCatalog(tmp_path / "catalog.db")
    await catalog.open()
    async with catalog.transaction() as tx:
        await tx.insert_user(User(id="ada", email="first"))
    yield catalog
    await catalog.close()


async def email(catalog):
    user = await catalog.find_user("ada")
    return user.email


async def test_a_change_of_ours_is_seen_at_once(catalog):
    assert await email(catalog) == await email(catalog) == "first"
    for text in ("second", "third"):
        async with catalog.transaction() as tx:
            await tx.update_user(User(id="ada", email=text))
        assert await email(catalog) == text


async def test_a_change_by_another_process_is_seen_at_once(catalog, tmp_path):
    for text in ("second", "third"):
        await email(catalog)
        renaming = [sys.executable, "-c", RENAME, str(tmp_path / "catalog.db"), text]
        await asyncio.to_thread(subprocess.run, renaming, check=True, timeout=30)
        assert await email(catalog) == text


async def test_what_was_not_there_is_found_once_it_is(catalog):
    assert await catalog.find_user("bob") is None
    async with catalog.transaction() as tx:
        await tx.insert_user(User(id="bob"))
    assert (await catalog.find_user("bob")).id == "bob"


async def test_what_is_remembered_is_bounded(catalog, monkeypatch):
    monkeypatch.setattr(remembered, "MOST_ROWS", 3)
    for number in range(20):
        await catalog.find_user(f"nobody-{number}")
    assert await email(catalog) == "first"
    assert len(catalog._executor._remembered) <= 3
