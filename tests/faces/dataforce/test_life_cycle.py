"""An artifact from its announcement to its end, over the wire."""

import hashlib
import socket
import time
import uuid
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
import requests

from armarium.adapters.keys import load_keys
from armarium.core.deliveries import URL_LIFE
from armarium.core.links import Links
from armarium.core.signing import Signer
from armarium.core.tickets import Tickets
from armarium.domain.units import MIB
from armarium.testing.builders import FixedClock
from armarium.testing.server import RunningServer
from tests.faces.dataforce.conftest import WEIGHTS, Api, Shelf, a_shelf, declaration, put
from tests.faces.people import JWT_SECRET, Person, a_person

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def test_an_artifact_is_announced_uploaded_and_downloaded(shelf: Shelf):
    announced = shelf.announce(tags=["a", "a"], description="d", extra_values={"f1": 0.5})
    artifact, upload = announced["artifact"], announced["upload_details"]
    assert artifact["status"] == "pending_upload"
    assert (upload["type"], upload["multipart"]) == ("s3", False)
    assert upload["bucket_location"] == artifact["bucket_location"]
    assert put(upload["url"], WEIGHTS).status_code == 200
    uploaded = shelf.report(artifact, "uploaded")
    assert uploaded == {**artifact, "status": "uploaded", "updated_at": uploaded["updated_at"]}
    assert uploaded["file_hash"] == hashlib.sha256(WEIGHTS).hexdigest()
    answer = shelf.download(artifact)
    assert (answer.content, answer.headers["content-length"]) == (WEIGHTS, str(len(WEIGHTS)))
    part = shelf.download(artifact, range="bytes=9-12")
    assert (part.status_code, part.content) == (206, WEIGHTS[9:13])


def test_an_answer_holds_the_spellings_of_all_generations(shelf: Shelf):
    artifact = shelf.upload(extra_values={"f1": 0.5}, file_index={"a": [0, 1], "odd": "kept"})
    assert (artifact["name"], artifact["model_name"]) == ("model", "model")
    assert artifact["extra_values"] == artifact["metrics"] == {"f1": 0.5}
    assert artifact["file_index"] == {"a": [0, 1], "odd": "kept"}
    assert artifact["manifest"] == {"variant": "pyfunc"}
    assert uuid.UUID(artifact["id"]).version == 7
    assert len(artifact["unique_identifier"]) == 32
    location = f"orbit-{shelf.orbit_id}/collection-{shelf.collection['id']}/{artifact['unique_identifier']}-model.fnnx"
    assert artifact["bucket_location"] == location
    details = shelf.read(artifact)
    assert details["collection"]["id"] == shelf.collection["id"]
    assert details["collection"]["total_artifacts"] == details["collection"]["total_models"] == 1


def test_a_client_of_the_first_generation_is_served(web: requests.Session, url: str, ada: Person):
    shelf = a_shelf(Api(web, url, ada.token, ""), ada)
    models = f"{shelf.path}/model_artifacts"
    body = {"file_name": "m.fnnx", "model_name": "first", "metrics": {"auc": 1}, "size": 3, "file_hash": "short"}
    created = shelf.api.post(models, **body)
    assert (created["model"]["model_name"], created["model"]["metrics"]) == ("first", {"auc": 1})
    assert len(created["url"]["parts"]) == 1
    assert put(created["url"]["parts"][0]["url"], b"abc").status_code == 200
    shelf.api.patch(f"{models}/{created['model']['id']}", status="uploaded", model_name="renamed")
    assert [model["model_name"] for model in shelf.api.get(models)] == ["renamed"]
    address = shelf.api.get(f"{models}/{created['model']['id']}/download-url")["url"]
    assert requests.get(address, timeout=10).content == b"abc"
    shelf.api.delete(f"{models}/{created['model']['id']}")
    assert shelf.api.get(models) == []


def test_a_large_file_is_sent_in_parts(shelf: Shelf):
    content = b"0123456789abcdef" * 80_000
    announced = shelf.announce(content)
    upload = announced["upload_details"]
    assert upload["multipart"] is True
    begun = ET.fromstring(requests.post(upload["url"], timeout=10).content)
    upload_id = begun.findtext(f".//{NAMESPACE}UploadId")
    asked = {"bucket_id": upload["bucket_secret_id"], "bucket_location": upload["bucket_location"]}
    targets = shelf.api.post(
        shelf.api.base.replace("/v1", "") + "/bucket-secrets/upload/multipart",
        **asked, size=len(content), upload_id=upload_id,
    )  # fmt: skip
    assert targets["upload_id"] == upload_id
    etags = {}
    for part in targets["parts"]:
        sent = put(part["url"], content[part["start_byte"] : part["end_byte"] + 1])
        etags[part["part_number"]] = sent.headers["etag"].strip('"')
    named = "".join(f"<Part>\n<PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>\n" for n, etag in etags.items())
    document = f'<?xml version="1.0"?>\n<CompleteMultipartUpload>\n{named}</CompleteMultipartUpload>'
    joined = requests.post(
        targets["complete_url"], data=document, headers={"content-type": "application/xml"}, timeout=10
    )
    assert joined.status_code == 200
    assert shelf.report(announced, "uploaded")["status"] == "uploaded"
    assert shelf.download(announced["artifact"]).content == content


@pytest.mark.parametrize("begins_itself", [True, False])
def test_every_part_of_a_large_file_has_a_place(shelf: Shelf, begins_itself: bool):
    size = 500 * MIB + 1
    upload = shelf.announce(size=size)["upload_details"]
    begun = ET.fromstring(requests.post(upload["url"], timeout=10).content)
    known = {"upload_id": begun.findtext(f".//{NAMESPACE}UploadId")} if begins_itself else {}
    path = "/bucket-secrets/upload/multipart"
    targets = shelf.api.post(path, bucket_location=upload["bucket_location"], size=size, **known)
    assert [part["part_number"] for part in targets["parts"]] == list(range(1, 17))
    assert targets["parts"][-1]["end_byte"] == size - 1
    assert put(targets["parts"][-1]["url"], b"x").status_code == 200
    foreign = {**known, "upload_id": str(uuid.uuid4())}
    asked = {"bucket_location": upload["bucket_location"], "size": size, **foreign}
    assert shelf.api.refused("POST", path, json=asked)[0] == 404
    assert shelf.api.refused("POST", path, json={"bucket_location": "nowhere", "size": 1})[0] == 404


def test_a_large_file_of_the_first_generation_has_its_parts_at_once(shelf: Shelf):
    content = b"x" * 1_200_000
    created = shelf.api.post(f"{shelf.path}/model_artifacts", **declaration(content))
    assert created["url"]["upload_id"]
    sent = put(created["url"]["parts"][0]["url"], content)
    document = (
        f"<CompleteMultipartUpload xmlns='urn:x'><Part><PartNumber>1</PartNumber><ETag>{sent.headers['etag']}</ETag>"
        "</Part></CompleteMultipartUpload>"
    )
    assert requests.post(created["url"]["complete_url"], data=document, timeout=10).status_code == 200
    assert shelf.report(created["model"], "uploaded")["size"] == len(content)


@pytest.mark.parametrize(
    "document",
    [b"", b"no xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>", b"<a><Part><ETag>1</ETag></Part></a>", b"<a/>"],
)
def test_a_list_of_parts_nobody_can_read_is_refused(shelf: Shelf, document: bytes):
    created = shelf.api.post(f"{shelf.path}/model_artifacts", **declaration(b"x" * 1_200_000))
    assert requests.post(created["url"]["complete_url"], data=document, timeout=10).status_code == 400


def test_a_name_nobody_gave_is_that_of_the_file(shelf: Shelf):
    assert shelf.announce(name=None)["artifact"]["name"] == "model.fnnx"


def test_an_announcement_that_comes_twice_is_made_once(shelf: Shelf):
    answers = [
        shelf.api.ok("POST", shelf.artifacts, json=declaration(WEIGHTS), headers={"Idempotency-Key": "one"})
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert len(shelf.page()["items"]) == 1


def test_any_json_object_is_a_manifest(shelf: Shelf):
    assert shelf.announce(manifest={"version": "1.0"})["artifact"]["type"] == "model"


# -- what goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [WEIGHTS[:-1], WEIGHTS[:-1] + b"?", b""], ids=["short", "other", "empty"])
def test_bytes_that_were_not_declared_never_become_an_artifact(shelf: Shelf, wrong: bytes):
    announced = shelf.announce()
    put(announced["upload_details"]["url"], wrong)
    assert shelf.api.refused("PATCH", shelf.at(announced), json={"status": "uploaded"})[0] == 400
    assert shelf.read(announced)["status"] == "upload_failed"
    put(announced["upload_details"]["url"], WEIGHTS)
    assert shelf.read(announced)["status"] == "upload_failed"
    assert shelf.api.refused("GET", shelf.at(announced, "/download-url"))[0] == 404


def test_the_server_refuses_bytes_that_were_not_declared_at_once(shelf: Shelf, keeps_files_itself: bool):
    if not keeps_files_itself:
        pytest.skip("the store takes what it is sent; it is checked when the upload is reported")
    announced = shelf.announce()
    url = announced["upload_details"]["url"]
    assert put(url, WEIGHTS[:-1]).status_code == 400
    assert put(url, WEIGHTS[:-1] + b"?").status_code == 400
    assert shelf.report(announced, "upload_failed")["status"] == "upload_failed"
    assert put(url, WEIGHTS).status_code == 403


def test_a_claim_that_nothing_backs_fails_the_upload(shelf: Shelf):
    announced = shelf.announce()
    status, detail = shelf.api.refused("PATCH", shelf.at(announced), json={"status": "uploaded"})
    assert (status, detail) == (400, "The upload is not complete: 'model.fnnx' has not arrived.")
    failed = shelf.read(announced)
    assert (failed["status"], failed["file_name"], failed["size"]) == ("upload_failed", "model.fnnx", len(WEIGHTS))


def test_an_upload_that_was_cut_leaves_nothing_and_can_be_tried_again(shelf: Shelf):
    announced = shelf.announce()
    url = announced["upload_details"]["url"]
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as connection:
        head = f"PUT {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {len(WEIGHTS)}\r\n\r\n"
        connection.sendall(head.encode() + WEIGHTS[:100])
    assert shelf.read(announced)["status"] == "pending_upload"
    assert shelf.api.refused("GET", shelf.at(announced, "/download-url"))[0] == 404
    assert put(url, WEIGHTS).status_code == 200
    assert shelf.report(announced, "uploaded")["status"] == "uploaded"


def test_an_expired_url_is_refused(shelf: Shelf, url: str, armarium_server: RunningServer):
    announced = shelf.announce()
    signer = Signer(load_keys(armarium_server.data).urls)
    past = Links(Tickets(signer), FixedClock(time.time() - 50_000), url)
    for address in (
        past.upload("any", expires_in=URL_LIFE),
        past.parts_start("any", 1, expires_in=URL_LIFE),
        past.removal(announced["artifact"]["id"], expires_in=URL_LIFE),
    ):
        method = "PUT" if "uploads/" in address else "POST" if "multipart" in address else "DELETE"
        assert requests.request(method, address, data=b"x", timeout=10).status_code == 401


def test_only_moves_of_the_life_cycle_may_be_reported(shelf: Shelf):
    artifact = shelf.upload()
    for wanted in ("uploaded", "upload_failed", "deletion_failed"):
        status, detail = shelf.api.refused("PATCH", shelf.at(artifact), json={"status": wanted})
        assert (status, detail) == (400, f"Invalid status transition from uploaded to {wanted}")
    for unknown in ("pending_upload", "pending_deletion", "x"):
        assert shelf.api.refused("PATCH", shelf.at(artifact), json={"status": unknown})[0] == 422
    assert shelf.api.patch(shelf.at(artifact)) == artifact


# -- changes -----------------------------------------------------------------------------------------------------------


def test_what_is_given_changes_and_the_rest_stays(shelf: Shelf):
    artifact = shelf.upload(description="first", tags=["a"], extra_values={"f1": 1})
    changed = shelf.api.patch(shelf.at(artifact), name="new", unknown=1)
    assert changed == {**artifact, "name": "new", "model_name": "new", "updated_at": changed["updated_at"]}
    changed = shelf.api.patch(shelf.at(artifact), tags=[], name=None, description="second")
    assert (changed["name"], changed["tags"], changed["description"]) == ("new", [], "second")
    assert changed["extra_values"] == {"f1": 1}


@pytest.mark.parametrize("uploaded", [True, False])
def test_a_file_is_renamed(shelf: Shelf, uploaded: bool):
    artifact = shelf.upload() if uploaded else shelf.announce()
    assert shelf.api.patch(shelf.at(artifact), file_name="other.dfs")["file_name"] == "other.dfs"
    if not uploaded:
        assert put(artifact["upload_details"]["url"], WEIGHTS).status_code == 200
        shelf.report(artifact, "uploaded")
    answer = shelf.download(artifact)
    assert answer.content == WEIGHTS
    assert "other.dfs" in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    "field",
    [
        {"file_name": "none"},
        {"file_name": "a:b.fnnx"},
        {"file_name": "a.f nnx"},
        {"file_name": "../a.fnnx"},
        {"file_name": "a\nb.fnnx"},
        {"size": -1},
        {"size": 5_497_558_138_881},
        {"size": "many"},
        {"manifest": []},
        {"type": "zoo"},
    ],
)
def test_a_field_that_cannot_be_is_named(shelf: Shelf, field: dict[str, object]):
    status, detail = shelf.api.refused("POST", shelf.artifacts, json=declaration(WEIGHTS, **field))
    assert status == 422
    assert detail[0]["loc"] == ["body", *field]


def test_a_type_must_fit_the_file_and_the_collection(api: Api, ada: Person):
    shelf = a_shelf(api, ada, type="dataset_experiment")
    body = declaration(WEIGHTS, file_index={})
    said = {
        "Unsupported LUML Artifact type.": {"manifest": {"artifact_type": "zoo"}},
        "Artifact's real type does not match the type you specified.": {
            "manifest": {"artifact_type": "dataset"},
            "type": "experiment",
        },
        "Artifact type is not allowed for this collection type": {"type": "model"},
    }
    for words, fields in said.items():
        assert api.refused("POST", shelf.artifacts, json={**body, **fields}) == (400, words)
    assert shelf.announce(file_index={})["artifact"]["type"] == "dataset"
    assert shelf.announce(manifest={"artifact_type": "experiment"})["artifact"]["type"] == "experiment"


# -- three ways to delete ----------------------------------------------------------------------------------------------


def test_one_request_deletes_in_any_status(shelf: Shelf):
    for artifact in (shelf.announce(), shelf.upload()):
        shelf.api.delete(shelf.at(artifact))
        assert shelf.api.refused("DELETE", shelf.at(artifact)) == (404, "Artifact not found")
    shelf.api.delete(shelf.at(shelf.upload(), "/force"))
    assert shelf.page()["items"] == []


def test_a_delete_url_lets_go_of_the_bytes_and_the_record_stays(shelf: Shelf):
    artifact = shelf.upload()
    address = shelf.api.get(shelf.at(artifact, "/delete-url"))["url"]
    assert shelf.read(artifact)["status"] == "pending_deletion"
    assert shelf.download(artifact).content == WEIGHTS
    assert requests.delete(address, timeout=10).status_code == 204
    assert shelf.api.refused("GET", shelf.at(artifact, "/download-url"))[0] == 404
    assert shelf.report(artifact, "deletion_failed")["status"] == "deletion_failed"
    assert requests.delete(address, timeout=10).status_code == 403
    assert shelf.api.get(shelf.at(artifact, "/delete-url"))["url"]
    shelf.api.delete(shelf.at(artifact))
    assert requests.delete(address, timeout=10).status_code == 404


def test_several_are_deleted_at_once(shelf: Shelf):
    kept, marked, pending = shelf.upload(name="kept"), shelf.upload(), shelf.announce()["artifact"]
    unknown = str(uuid.uuid4())
    asked = shelf.api.post(f"{shelf.artifacts}/delete-urls", artifact_ids=[marked["id"], pending["id"], unknown])
    assert {url["artifact_id"] for url in asked["urls"]} == {marked["id"], pending["id"]}
    assert [(left["artifact_id"], left["reason"]) for left in asked["failed"]] == [(unknown, "not_found")]
    everything = [kept["id"], marked["id"], pending["id"], unknown]
    gone = shelf.api.ok("DELETE", shelf.artifacts, json={"artifact_ids": everything, "force": False})
    assert set(gone["deleted"]) == {marked["id"], pending["id"]}
    reasons = {left["artifact_id"]: left["reason"] for left in gone["failed"]}
    assert reasons == {kept["id"]: "not_pending_deletion", unknown: "not_found"}
    gone = shelf.api.ok("DELETE", shelf.artifacts, json={"artifact_ids": [kept["id"]], "force": True})
    assert gone["deleted"] == [kept["id"]]
    too_many = [str(uuid.uuid4()) for _ in range(101)]
    assert shelf.api.refused("POST", f"{shelf.artifacts}/delete-urls", json={"artifact_ids": too_many})[0] == 422


def test_a_strict_server_deletes_only_what_was_marked(tmp_path, web: requests.Session):
    settings = {"ARMARIUM_JWT_SECRET": JWT_SECRET, "ARMARIUM_DATAFORCE_STRICT_DELETE": "true"}
    with RunningServer(tmp_path / "data", settings=settings) as server:
        ada = a_person()
        shelf = a_shelf(Api(web, server.url, ada.token), ada)
        artifact = shelf.upload()
        refusal = (400, "Unable to confirm deletion with status 'uploaded'")
        assert shelf.api.refused("DELETE", shelf.at(artifact)) == refusal
        shelf.api.get(shelf.at(artifact, "/delete-url"))
        shelf.api.delete(shelf.at(artifact))
