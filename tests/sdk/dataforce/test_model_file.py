"""Model files are read as their makers write them, and nothing in them is believed."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from fnnx.extras.builder import PyfuncBuilder as FnnxBuilder
from fnnx.variants.pyfunc import PyFunc
from hypothesis import given
from hypothesis import strategies as st
from pyfnx_utils.builder import PyfuncBuilder as PyfnxBuilder

from armarium.sdk.dataforce.errors import FileError
from armarium.sdk.dataforce.model_file import MAX_FILE_BYTES, read_model_file
from tests.sdk.dataforce.model_files import MANIFEST, archive, model_file, plain, special

GOOD = plain("manifest.json", json.dumps(MANIFEST).encode())


def test_a_model_file_tells_its_name_size_hash_manifest_and_members(tmp_path: Path):
    path = model_file(tmp_path / "my model.v2.fnnx", content=b"weights")
    file = read_model_file(path)
    content = path.read_bytes()
    assert (file.file_name, file.size) == ("my model.v2.fnnx", len(content))
    assert file.file_hash == hashlib.sha256(content).hexdigest()
    assert file.manifest == MANIFEST
    offset, size = file.file_index["ops_artifacts/w.onnx"]
    assert content[offset : offset + size] == b"weights"


class Doubling(PyFunc):
    """The smallest model the builders take."""

    def warmup(self, *_args: Any) -> None: ...
    def compute(self, inputs: Any, _attributes: Any) -> Any:
        return inputs

    async def compute_async(self, inputs: Any, _attributes: Any) -> Any:
        return inputs


@pytest.mark.parametrize(
    ("builder", "name", "producer"), [(FnnxBuilder, "a.fnnx", "fnnx.ai"), (PyfnxBuilder, "a.pyfnx", "pyfnx_utils")]
)
def test_files_of_the_builders_people_use_are_read(builder: Any, name: str, producer: str, tmp_path: Path):
    metrics = [
        {
            "id": "1",
            "producer": "x",
            "producer_version": "1",
            "producer_tags": ["dataforce.studio::registry_metrics:v1"],
            "payload": {"metrics": {"accuracy": 0.9}},
        }
    ]
    path = tmp_path / name
    builder(
        Doubling,
        model_name="doubling",
        create_meta_callback=lambda file: file.create_file("meta.json", json.dumps(metrics)),
    ).save(str(path))
    file = read_model_file(path)
    assert producer in file.manifest["producer_name"]
    assert (file.manifest["name"], file.manifest["variant"]) == ("doubling", "pyfunc")
    assert file.extra_values == {"accuracy": 0.9}
    assert {"manifest.json", "meta.json", "variant_artifacts/__pyfunc__.py", "ops.json"} <= set(file.file_index)
    content = path.read_bytes()
    offset, size = file.file_index["variant_config.json"]
    assert json.loads(content[offset : offset + size])["pyfunc_classname"] == "Doubling"


@pytest.mark.parametrize("name", ["model.FNNX", "model.pyfnx", "a.b.dfs"])
def test_the_last_ending_says_the_format(name: str, tmp_path: Path):
    assert read_model_file(model_file(tmp_path / name)).file_name == name


@pytest.mark.parametrize("name", ["model.onnx", "model", "fnnx", "model.fnnx.gz"])
def test_another_ending_is_refused_before_the_file_is_opened(name: str, tmp_path: Path):
    with pytest.raises(FileError, match=r"must end in \.fnnx, \.pyfnx, \.dfs"):
        read_model_file(tmp_path / name)


def test_more_than_five_gigabytes_is_refused_before_anything_is_read(tmp_path: Path):
    path = model_file(tmp_path / "m.fnnx")
    os.truncate(path, MAX_FILE_BYTES + 1)
    with pytest.raises(FileError, match="5 GB"):
        read_model_file(path)


def test_a_missing_file_is_missing(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        read_model_file(tmp_path / "m.fnnx")


def test_folders_and_empty_files_are_fine_and_only_files_are_listed(tmp_path: Path):
    folder = special("extra/", tarfile.DIRTYPE)
    path = archive(tmp_path / "m.dfs", [GOOD, folder, plain("extra/.keep", b""), plain("n" * 300)])
    assert set(read_model_file(path).file_index) == {"manifest.json", "extra/.keep", "n" * 300}


def test_of_two_members_with_one_name_the_last_counts(tmp_path: Path):
    path = archive(
        tmp_path / "m.dfs", [plain("manifest.json", b'{"first": 1}'), plain("manifest.json", b'{"last": 1}')]
    )
    assert read_model_file(path).manifest == {"last": 1}


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (special("a", tarfile.SYMTYPE, "/etc/passwd"), "link"),
        (special("a", tarfile.LNKTYPE, "manifest.json"), "link"),
        (special("a", tarfile.FIFOTYPE), "special file"),
        (special("a", tarfile.CHRTYPE), "special file"),
        (plain("../outside"), "'..'"),
        (plain("a/../../outside"), "'..'"),
        (plain("/etc/passwd"), "absolute"),
        (plain("a\\b"), "backslash"),
        (plain("C:/a"), "drive letter"),
    ],
)
def test_links_and_names_that_lead_outside_are_refused(member: Any, reason: str, tmp_path: Path):
    path = archive(tmp_path / "m.fnnx", [GOOD, member])
    with pytest.raises(FileError, match="cannot be used") as refused:
        read_model_file(path)
    assert reason in str(refused.value)


@pytest.mark.parametrize(("mode", "name"), [("w:gz", "gzip"), ("w:bz2", "bzip2"), ("w:xz", "xz")])
def test_a_compressed_archive_is_refused(mode: str, name: str, tmp_path: Path):
    path = archive(tmp_path / "m.fnnx", [GOOD], mode)
    with pytest.raises(FileError, match=f"compressed .{name}."):
        read_model_file(path)


def test_a_hundred_thousand_members_are_refused(tmp_path: Path):
    block = tarfile.TarInfo("a").tobuf()
    path = tmp_path / "m.fnnx"
    path.write_bytes(block * 100_000 + bytes(1024))
    with pytest.raises(FileError, match="more than 50,000 members"):
        read_model_file(path)


def header(name: str, kind: bytes, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK])
@pytest.mark.parametrize("size", [2 * 1024**3, 8**11 - 1, 8**11 * 100])
def test_a_header_that_wants_gigabytes_of_memory_is_refused(kind: bytes, size: int, tmp_path: Path):
    path = tmp_path / "m.fnnx"
    path.write_bytes(header("a", kind, size) + bytes(4096))
    os.truncate(path, 3 * 1024**3)
    with pytest.raises(FileError, match="header in it is too long"):
        read_model_file(path)


def test_headers_that_only_announce_further_headers_are_refused(tmp_path: Path):
    path = tmp_path / "m.fnnx"
    path.write_bytes((header("a", tarfile.XHDTYPE, 512) + bytes(512)) * 5000)
    with pytest.raises(FileError):
        read_model_file(path)


def test_a_file_that_is_mostly_holes_is_refused(tmp_path: Path):
    path = tmp_path / "m.fnnx"
    path.write_bytes(header("a", tarfile.GNUTYPE_SPARSE, 512) + bytes(2048))
    with pytest.raises(FileError):
        read_model_file(path)


def test_a_member_that_is_longer_than_the_archive_is_refused(tmp_path: Path):
    path = tmp_path / "m.fnnx"
    path.write_bytes(header("manifest.json", tarfile.REGTYPE, 10**9) + b"{}")
    with pytest.raises(FileError):
        read_model_file(path)


def test_an_enormous_manifest_is_refused_before_it_is_read(tmp_path: Path):
    path = tmp_path / "m.fnnx"
    path.write_bytes(header("manifest.json", tarfile.REGTYPE, 10**9))
    os.truncate(path, 10**9 + 2048)
    with pytest.raises(FileError, match=r"manifest\.json has 1,000,000,000 bytes"):
        read_model_file(path)


@pytest.mark.parametrize("manifest", [b"", b"not json", b"[]", b"[" * 100_000, b"\xff\xfe"])
def test_a_manifest_that_is_no_json_object_is_refused(manifest: bytes, tmp_path: Path):
    path = archive(tmp_path / "m.fnnx", [plain("manifest.json", manifest)])
    with pytest.raises(FileError, match="not a JSON object"):
        read_model_file(path)


def test_an_archive_without_a_manifest_is_refused(tmp_path: Path):
    with pytest.raises(FileError, match=r"no manifest\.json"):
        read_model_file(archive(tmp_path / "m.fnnx", [plain("./manifest.json")]))


@pytest.mark.parametrize("content", [b"", b"no archive at all " * 100, bytes(10_240)])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path):
    (tmp_path / "m.fnnx").write_bytes(content)
    with pytest.raises(FileError):
        read_model_file(tmp_path / "m.fnnx")


@given(
    content=st.binary(max_size=3000),
    damage=st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=8)), max_size=6),
)
def test_a_damaged_archive_is_read_or_refused_and_nothing_else(tmp_path_factory, content: bytes, damage: Any):
    path = tmp_path_factory.getbasetemp() / "damaged.fnnx"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member, data in (GOOD, plain("meta.json", b"[]"), plain("data", content)):
            tar.addfile(member, io.BytesIO(data))
    broken = bytearray(buffer.getvalue())
    for place, piece in damage:
        broken[place : place + len(piece)] = piece
    path.write_bytes(broken)
    try:
        file = read_model_file(path)
    except FileError:
        return
    assert all(offset >= 0 and offset + size <= file.size for offset, size in file.file_index.values())
