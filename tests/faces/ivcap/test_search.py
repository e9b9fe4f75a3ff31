"""Search: with the unmodified client and with ours, in both notations, as of a time, and what is refused."""

import datetime as dt
import io

import pytest
from ivcap_client.exception import IvcapApiError as TheirError

from armarium import IVCAP
from tests.faces.people import a_person

SCHEMA = "urn:lab:schema:image.1"
LOAD = f':load_aspect(/image, "{SCHEMA}", ["entity", ".camera", ".tags[*]", ".params[*].name|value"]).\n'


@pytest.fixture(scope="module")
def person():
    return a_person("asker")


@pytest.fixture(scope="module")
def ours(url, person):
    return IVCAP(url=url, token=person.token)


@pytest.fixture(scope="module")
def images(ours):
    """Ids of three artifacts by name: two images, each with an aspect, and a text."""
    ids = {}
    for name, kind in (("front.jpg", "image/jpeg"), ("back.jpg", "image/jpeg"), ("notes.txt", "text/plain")):
        ids[name] = ours.upload_artifact(name=name, io_stream=io.BytesIO(b"x"), content_type=kind, content_size=1).id
    for number, name in enumerate(("front", "back"), 1):
        content = {
            "camera": name,
            "tags": ["all", name],
            "params": [{"name": "iso", "value": 100 * number}, {"name": "f"}],
        }
        ours.add_aspect(ids[f"{name}.jpg"], content, schema=SCHEMA)
    return ids


def test_the_unmodified_client_asks_without_a_head(client_of, person, images):
    found = client_of(person).search(':- ivcap_artifact(Id, Name, MimeType), MimeType = "image/jpeg".')
    assert sorted(found.items, key=lambda item: item["Name"]) == [
        {"Id": images[name], "Name": name, "MimeType": "image/jpeg"} for name in ("back.jpg", "front.jpg")
    ]
    assert isinstance(found.at_time, dt.datetime)


def test_the_unmodified_client_joins_artifacts_with_aspects(client_of, person, images):
    rule = "query(Name, Tag, Value) :- ivcap_artifact(Id, Name, _), image(Id, _, Tag, Param, Value), Value > 100."
    found = client_of(person).search(LOAD + rule)
    assert sorted(item["Tag"] for item in found.items) == ["all", "back"]
    assert {(item["Name"], item["Value"]) for item in found.items} == {("back.jpg", 200)}


def test_our_client_asks_for_constants_and_whole_aspects(ours, images):
    (item,) = ours.search(f'{LOAD} query(Id) :- image(Id, "front", "all", _, _).').items
    assert item == {"Id": images["front.jpg"]}
    (item,) = ours.search(f':- ivcap_aspect("{images["back.jpg"]}", "{SCHEMA}", Content).').items
    assert item["Content"]["camera"] == "back"
    (item,) = ours.search(':- ivcap_artifact(Id, "notes.txt", Type).').items
    assert item == {"Id": images["notes.txt"], "Type": "text/plain"}
    assert ours.search(f':- ivcap_artifact("{images["front.jpg"]}", Name, _).').items == [{"Name": "front.jpg"}]
    assert ours.search(':- ivcap_artifact("nothing", Name, _).').items == []
    assert ours.search(":- ivcap_artifact(5, Name, _), ivcap_aspect(6, _, _).").items == []


def test_what_does_not_run_here_has_no_rows(ours, images):
    for query in (":- ivcap_job(A, B, C).", ":- ivcap_service(A, B).", ":- ivcap_artifact_produced_by(A, B)."):
        assert ours.search(query).items == []


def test_a_limit_and_a_time_narrow_the_answer(ours, door, images, person):
    assert len(ours.search(":- ivcap_artifact(Id, _, _).", limit=2).items) == 2
    headers = {**person.headers, "Content-Type": "application/datalog+mangle"}
    asked = {"headers": headers, "data": ":- ivcap_artifact(Id, Name, _)."}
    assert door("POST", "/1/search?at-time=2020-01-01T00:00:00Z", **asked).json()["items"] == []
    assert len(door("POST", "/1/search?limit=50", **asked).json()["items"]) == 3
    assert door("POST", "/1/search?limit=51", **asked).status_code == 422
    assert door("POST", "/1/search?at-time=soon", **asked).json()["name"] == "at-time"


def test_an_aspect_is_found_as_of_when_it_held(ours, door, person):
    entity, schema = f"urn:lab:{person.id}", "urn:lab:schema:state.1"
    ours.add_aspect(entity, {"text": "one"}, schema=schema)
    then = dt.datetime.now(dt.UTC)
    ours.update_aspect(entity, {"text": "two"}, schema=schema)
    query = f':load_aspect(/state, "{schema}", ["entity", ".text"]).\n:- state("{entity}", Text).'
    headers = {**person.headers, "Content-Type": "application/datalog+mangle; charset=utf-8"}
    past = door("POST", "/1/search", params={"at-time": then.isoformat()}, headers=headers, data=query)
    assert past.json()["items"] == [{"Text": "one"}]
    assert ours.search(query).items == [{"Text": "two"}]


def test_nobody_finds_what_they_may_not_read(client_of, bob, images):
    theirs = client_of(bob)
    assert theirs.search(":- ivcap_artifact(Id, Name, _).").items == []
    assert theirs.search(f':- ivcap_aspect("{images["front.jpg"]}", S, C).').items == []
    assert theirs.search(f"{LOAD} :- image(Id, C, T, P, V).").items == []


def test_what_cannot_be_answered_is_a_plain_error(client_of, person, door):
    with pytest.raises(TheirError) as refused:
        client_of(person).search(":- !ivcap_job(A, B, C).")
    assert refused.value.status_code == 400
    right = {"Content-Type": "application/datalog+mangle"}
    answer = door("POST", "/1/search", data=b":- \xff", headers=right)
    assert (answer.status_code, list(answer.json())) == (400, ["message"])
    assert door("POST", "/1/search", data="#" * 70_000, headers=right).status_code == 413
    assert door("POST", "/1/search", json={"query": "x"}).status_code == 415
