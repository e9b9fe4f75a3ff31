"""What `deploy/` and the settings files of the documentation say is what the program knows."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from armarium.settings import CLIENT_VARIABLES, PREFIX, Settings
from tests.conftest import REPOSITORY
from tests.markdown_pages import code_blocks

DEPLOY = sorted((REPOSITORY / "deploy").iterdir())
PAGES = [page for page in sorted((REPOSITORY / "docs").rglob("*.md")) if "```toml" in page.read_text()]


def setting_names() -> set[str]:
    return {field.name for field in msgspec.structs.fields(Settings)}


@pytest.mark.parametrize("file", DEPLOY, ids=lambda file: file.name)
def test_every_variable_of_a_deployment_is_a_setting(file: Path):
    named = set(re.findall(rf"\b{PREFIX}[A-Z0-9_]+", file.read_text()))
    assert {name.removeprefix(PREFIX).lower() for name in named - CLIENT_VARIABLES} <= setting_names()


def test_the_image_has_all_that_a_server_may_need():
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    installed = re.search(r'"/src\[([a-z0-9,]+)\]"', (REPOSITORY / "deploy" / "Dockerfile").read_text())
    assert installed is not None
    assert set(installed[1].split(",")) == extras.keys() - {"fsspec"}


@pytest.mark.parametrize("file", DEPLOY, ids=lambda file: file.name)
def test_every_deployment_is_told_of(file: Path):
    assert f"deploy/{file.name}" in (REPOSITORY / "docs" / "how-to" / "run-a-server.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_settings_file_on_a_page_is_one(page: Path):
    for block in code_blocks(page):
        if block.language == "toml":
            assert tomllib.loads(block.text).keys() <= setting_names()
