import sys

import pytest

from armarium.adapters.blobs.local import LocalBlobs
from armarium.adapters.blobs.located import S3Access, blobs_at
from armarium.adapters.blobs.object_store import ObjectBlobs
from armarium.adapters.blobs.sigv4 import AccessKey
from armarium.domain.errors import Invalid
from armarium.ports.blobs import SignsUrls

KEY = AccessKey(id="id", secret="secret")
INSIDE = "http://10.0.0.1:9000"


def at(tmp_path, url, **s3):
    return blobs_at(url, folder=tmp_path, s3=S3Access(access_key=KEY, **s3))


def test_without_a_url_files_are_in_the_folder(tmp_path):
    assert isinstance(at(tmp_path, None), LocalBlobs)


def test_clients_are_sent_to_a_store_only_where_they_can_reach_it(tmp_path):
    assert isinstance(at(tmp_path, "s3://bucket/some/where"), SignsUrls)
    assert isinstance(at(tmp_path, "s3://bucket", endpoint=INSIDE, public_endpoint="https://s3.example"), SignsUrls)
    assert not isinstance(at(tmp_path, "s3://bucket", endpoint=INSIDE), SignsUrls)
    assert not isinstance(at(tmp_path, "s3://bucket", is_direct=False), SignsUrls)


def test_other_stores_of_obstore_are_known_by_their_url(tmp_path):
    assert isinstance(at(tmp_path, "gs://bucket/some/where"), ObjectBlobs)


@pytest.mark.parametrize("url", ["ftp://host/x", "bucket", "s3://", "/srv/files"])
def test_what_is_no_url_of_a_store_is_refused(tmp_path, url):
    with pytest.raises(Invalid):
        at(tmp_path, url)


def test_a_bucket_needs_a_key(tmp_path):
    with pytest.raises(Invalid, match="s3_access_key_id"):
        blobs_at("s3://bucket", folder=tmp_path, s3=S3Access())


def test_a_missing_extra_says_its_name(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(Invalid, match=r"armarium\[server,s3\]"):
        at(tmp_path, "s3://bucket")


def test_no_key_is_ever_printed():
    assert "secret" not in repr(S3Access(access_key=KEY))
