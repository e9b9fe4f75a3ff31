import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.artifact import Artifact
from armarium.domain.delivery import (
    Declared,
    Status,
    check_move,
    part_bytes,
    part_count,
    parts_of,
    sha256_in,
    status_of,
)
from armarium.domain.errors import Invalid
from armarium.domain.file import BlobId
from armarium.domain.identifiers import ArtifactId, VersionId
from armarium.domain.units import GIB, MIB
from armarium.domain.upload import MAX_PARTS
from armarium.domain.version import StagedFile, Version

LARGEST = 5 * 1024**4
COMMITTED = (Version(VersionId("v"), "v0", 0, "", 1, 1, 3),)


def an_artifact(config: bytes = b"{}", versions: tuple[Version, ...] = ()) -> Artifact:
    return Artifact(
        id=ArtifactId("a"), workspace="w", alias="a", parent_id=None, parent_alias=None, type="model",
        manifest=msgspec.Raw(b"{}"), config=msgspec.Raw(config), created_by="ada", created_at=1, modified_at=1,
        view_count=0, download_count=0, file_count=0, versions=versions, intent=None,
    )  # fmt: skip


def noted(status: str) -> bytes:
    return msgspec.json.encode({"dataforce": {"status": status}})


@pytest.mark.parametrize(
    "config", [b"{}", noted("uploaded"), noted("odd"), b'{"dataforce":7}', noted("pending_upload")]
)
def test_a_status_follows_from_the_versions(config: bytes):
    assert status_of(an_artifact(config)) is Status.PENDING_UPLOAD
    assert status_of(an_artifact(config, COMMITTED)) is Status.UPLOADED


def test_a_status_that_does_not_follow_is_noted():
    assert status_of(an_artifact(noted("upload_failed"))) is Status.UPLOAD_FAILED
    assert status_of(an_artifact(noted("upload_failed"), COMMITTED)) is Status.UPLOADED
    for leaving in (Status.PENDING_DELETION, Status.DELETION_FAILED):
        assert status_of(an_artifact(noted(leaving), COMMITTED)) is leaving
        assert status_of(an_artifact(noted(leaving))) is leaving


def test_three_moves_may_be_reported():
    allowed = {
        (Status.PENDING_UPLOAD, Status.UPLOADED),
        (Status.PENDING_UPLOAD, Status.UPLOAD_FAILED),
        (Status.PENDING_DELETION, Status.DELETION_FAILED),
    }
    for now in Status:
        for wanted in Status:
            if (now, wanted) in allowed:
                check_move(now, wanted)
            else:
                with pytest.raises(Invalid, match=f"Invalid status transition from {now} to {wanted}"):
                    check_move(now, wanted)


@given(st.integers(0, LARGEST) | st.sampled_from([k * GIB + d for k in (1, 5, 10, 100) for d in (-1, 0, 1)]))
def test_parts_cover_a_file_without_gap_or_overlap(size: int):
    parts = parts_of(size)
    assert [part.number for part in parts] == list(range(1, part_count(size) + 1))
    assert len(parts) <= MAX_PARTS
    assert (parts[0].first, parts[-1].last) == (0, size - 1)
    for before, after in itertools.pairwise(parts):
        assert after.first == before.last + 1
        assert before.last - before.first + 1 == part_bytes(size)


def test_a_file_just_above_the_limit_has_the_parts_clients_expect():
    parts = parts_of(500 * MIB + 1)
    assert len(parts) == 16
    assert parts[-1].last - parts[-1].first + 1 == 20_971_521


def a_file(path: str = "m.fnnx", **values: object) -> StagedFile:
    known = {"blob_id": BlobId("b"), "size_bytes": 3, "modified_at": 1.0, "sha256": "ab" * 32}
    return StagedFile(path=path, slot=path, **{**known, **values})  # type: ignore[arg-type]


def test_a_delivery_is_what_was_declared():
    declared = Declared(path="m.fnnx", size_bytes=3, sha256="ab" * 32)
    declared.check((a_file(),))
    declared.check((a_file(sha256=None),))
    declared.check((a_file(), a_file("old", removed=True, blob_id=None)))
    Declared(path="m.fnnx", size_bytes=3, sha256=None).check((a_file(sha256="cd" * 32),))
    for staged in (
        (),
        (a_file(blob_id=None),),
        (a_file("other"),),
        (a_file(), a_file("more")),
        (a_file(size_bytes=2),),
        (a_file(sha256="cd" * 32),),
    ):
        with pytest.raises(Invalid):
            declared.check(staged)


def test_a_hash_is_believed_when_it_is_one():
    assert sha256_in("AB" * 32) == "ab" * 32
    assert sha256_in("ab" * 31) is None
    assert sha256_in("") is None
