import stat
import subprocess
import sys

import pytest

from armarium.adapters.keys import FILE_NAME, load_keys
from armarium.domain.errors import Invalid


def test_the_first_start_makes_a_private_key_that_stays(tmp_path):
    folder = tmp_path / "data"
    keys = load_keys(folder)
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]
    assert load_keys(folder) == keys


def test_each_purpose_has_its_own_key(tmp_path):
    keys = load_keys(tmp_path)
    assert len({keys.jwt, keys.urls, keys.secrets}) == 3


def test_a_key_from_the_settings_needs_no_file(tmp_path):
    keys = load_keys(tmp_path, secret_key="a long enough secret key")
    assert list(tmp_path.iterdir()) == []
    assert keys == load_keys(tmp_path / "elsewhere", secret_key="a long enough secret key")
    assert keys != load_keys(tmp_path, secret_key="another long secret key")


def test_the_content_of_the_file_can_move_into_the_settings(tmp_path):
    keys = load_keys(tmp_path)
    text = (tmp_path / FILE_NAME).read_text().strip()
    assert load_keys(tmp_path / "elsewhere", secret_key=text) == keys


def test_a_jwt_secret_is_used_as_it_stands(tmp_path):
    assert load_keys(tmp_path, jwt_secret="shared with others").jwt == b"shared with others"


def test_former_keys_open_old_secrets(tmp_path):
    old = load_keys(tmp_path, secret_key="the key of yesterday")
    new = load_keys(tmp_path, secret_key="the key of today ....", previous_secret_keys=["the key of yesterday"])
    assert new.former_secrets == (old.secrets,)


def test_keys_are_not_shown(tmp_path):
    keys = load_keys(tmp_path)
    assert repr(keys) == "Keys(***)"


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 50])
def test_a_damaged_key_file_is_refused(tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(Invalid, match="damaged"):
        load_keys(tmp_path)


def test_processes_that_start_at_once_agree_on_one_key(tmp_path):
    code = (
        "import sys, pathlib; from armarium.adapters.keys import load_keys; sys.stdin.readline();"
        "print(load_keys(pathlib.Path(sys.argv[1])).secrets.hex())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "data")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert len(answers) == 1
    assert len(answers.pop()) == 64
