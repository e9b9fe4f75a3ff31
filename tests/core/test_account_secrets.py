"""Secrets of accounts at rest: sealed, each for its own name."""

import pytest

from armarium.assembly import open_core
from armarium.core import account_secrets
from armarium.domain.errors import TooLarge
from armarium.domain.principal import ROOT, Principal, Role
from armarium.settings import Settings

ADA = Principal(id="ada", grants={"ws-user-ada": Role.READ_WRITE})


@pytest.fixture
async def core(tmp_path):
    async with open_core(Settings(data=tmp_path)) as opened:
        await opened.accounts.create_user(ROOT, "ada")
        yield opened


async def test_what_is_stored_and_told_holds_no_value(core, tmp_path):
    await core.account_secrets.write(ADA, "key", "THE VALUE")
    assert (await core.account_secrets.read(ADA, "key")).value == "THE VALUE"
    events = await core.catalog.list_events(workspace="ws-user-ada")
    assert events[0].action == "set_account_secret"
    assert "THE VALUE" not in repr(events)
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"ws-user-ada" in stored
    assert b"THE VALUE" not in stored


async def test_a_workspace_keeps_so_many_and_no_more(core, monkeypatch):
    monkeypatch.setattr(account_secrets, "MOST_SECRETS", 2)
    for name in ("a", "b", "b"):
        await core.account_secrets.write(ADA, name, "x")
    with pytest.raises(TooLarge):
        await core.account_secrets.write(ADA, "c", "x")
    await core.account_secrets.write(ADA, "a", "", expires_at=1)
    await core.account_secrets.write(ADA, "c", "x")
