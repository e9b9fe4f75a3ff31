import uuid
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.responses import Response

from armarium.auth.identify import ANONYMOUS
from armarium.core.signing import Signer
from armarium.domain.errors import ArmariumError, Invalid, NotAuthenticated, NotFound, Unavailable
from armarium.domain.principal import Principal
from armarium.faces.http.cursors import Cursors
from armarium.faces.http.errors import failure, status_of
from armarium.faces.http.openapi import About, document
from armarium.faces.http.parameters import BadParameter, Call
from armarium.faces.http.rest import Answer, Operation, RestDoor


class Shelf(msgspec.Struct):
    name: str
    rows: int = 3
    tags: list[str] = []


class Wanted(msgspec.Struct, kw_only=True):
    limit: int = 50
    exact: bool = False
    tags: list[str] = []


class Failure(msgspec.Struct):
    detail: str


async def list_shelves(who: Principal, query: Wanted) -> dict[str, Any]:
    """List shelves.

    Newest first.
    """
    return {"who": who.id, "limit": query.limit, "exact": query.exact, "tags": query.tags}


async def put_up(body: Shelf) -> Answer[Shelf]:
    """Put up a shelf."""
    if body.rows == 0:
        raise Unavailable("No wood today.", retry_after_seconds=7)
    return Answer(body, headers={"location": f"/shelves/{body.name}"})


async def find_shelf(shelf_id: uuid.UUID, call: Call) -> Shelf:
    """Find a shelf."""
    if call.header("x-missing"):
        raise NotFound("shelf", str(shelf_id))
    return Shelf(str(shelf_id))


async def take_down(shelf_id: uuid.UUID) -> None:
    """Take a shelf down."""


async def burn(shelf_id: uuid.UUID, call: Call) -> Response:
    """Send the body back."""
    return Response(b"".join([chunk async for chunk in call.body()]), media_type="application/octet-stream")


OPERATIONS = [
    Operation(method="GET", path="/shelves", handler=list_shelves),
    Operation(method="POST", path="/shelves", handler=put_up, status=201, fails=(409,), creates=True),
    Operation(method="GET", path="/shelves/{shelf_id}", handler=find_shelf),
    Operation(method="DELETE", path="/shelves/{shelf_id}", handler=take_down, status=204),
    Operation(
        method="PUT", path="/shelves/{shelf_id}/fire", handler=burn,
        takes="application/octet-stream", gives="application/octet-stream",
    ),
]  # fmt: skip


async def _caller(scope: object) -> Principal:
    if "secret" not in dict(scope["headers"]).get(b"authorization", b"").decode():
        raise NotAuthenticated("Who are you?")
    return ANONYMOUS


def _tell(error: ArmariumError) -> Response:
    if isinstance(error, BadParameter):
        return failure({"detail": [*error.location, error.kind, error.reason]}, error, 422)
    return failure({"detail": error.message}, error, status_of(error))


DOOR = RestDoor(OPERATIONS, caller=_caller, tell=_tell, max_body_bytes=1000, prefixes=("/v1", ""))


@pytest.fixture
async def client():
    transport = httpx.ASGITransport(Starlette(routes=DOOR.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://shelves") as client:
        yield client


async def test_query_parameters_arrive_with_their_types(client):
    answer = await client.get(
        "/v1/shelves?limit=7&exact=true&tags=a&tags=b&unknown=1", headers={"authorization": "secret"}
    )
    assert answer.status_code == 200
    assert answer.json() == {"who": ANONYMOUS.id, "limit": 7, "exact": True, "tags": ["a", "b"]}


async def test_who_asks_is_settled_before_what_is_asked(client):
    answer = await client.get("/shelves?limit=x")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_wrong_query_parameter_is_named(client):
    answer = await client.get("/shelves?limit=x", headers={"authorization": "secret"})
    assert answer.status_code == 422
    assert answer.json()["detail"][:3] == ["query", "limit", "value_error"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, ["body", "name", "missing", "Field required"]),
        ({"name": 1}, ["body", "name", "value_error", "Expected `str`, got `int`"]),
        ({"name": "a", "tags": ["x", 2]}, ["body", "tags", 1, "value_error", "Expected `str`, got `int`"]),
        ([], ["body", "value_error", "Expected `object`, got `array`"]),
    ],
)
async def test_a_wrong_body_is_told_with_the_place(client, body, detail):
    answer = await client.post("/shelves", json=body)
    assert (answer.status_code, answer.json()["detail"]) == (422, detail)


@pytest.mark.parametrize("body", [b"{", b"", b'"\xff"', b"[" * 900])
async def test_what_is_no_json_is_refused(client, body):
    assert (await client.post("/shelves", content=body)).status_code in (400, 422)


async def test_a_body_over_the_limit_is_refused(client):
    assert (await client.post("/shelves", json={"name": "x" * 1000})).status_code == 413


async def test_an_answer_brings_its_status_and_headers(client):
    answer = await client.post("/v1/shelves", json={"name": "oak"})
    assert (answer.status_code, answer.headers["location"]) == (201, "/shelves/oak")
    assert answer.json() == {"name": "oak", "rows": 3, "tags": []}


async def test_parts_of_the_path_are_converted(client):
    wanted = uuid.uuid4()
    assert (await client.get(f"/v1/shelves/{wanted}")).json()["name"] == str(wanted)
    answer = await client.get("/shelves/not-a-uuid")
    assert (answer.status_code, answer.json()["detail"][:2]) == (422, ["path", "shelf_id"])


async def test_errors_are_told_in_the_doors_words(client):
    answer = await client.get(f"/shelves/{uuid.uuid4()}", headers={"x-missing": "yes"})
    assert answer.status_code == 404
    assert "does not exist" in answer.json()["detail"]
    answer = await client.post("/shelves", json={"name": "a", "rows": 0})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


async def test_nothing_is_answered_with_nothing(client):
    answer = await client.delete(f"/shelves/{uuid.uuid4()}")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_an_unknown_method_is_told_what_there_is(client):
    answer = await client.patch(f"/shelves/{uuid.uuid4()}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, HEAD")


async def test_bodies_stream_through(client):
    answer = await client.put(f"/shelves/{uuid.uuid4()}/fire", content=b"\0\1\2")
    assert (answer.status_code, answer.content) == (200, b"\0\1\2")


def test_the_document_says_what_the_signatures_say():
    about = About(
        title="Shelves", version="1", description="", server_url="http://shelves",
        security={"bearer": {"type": "http", "scheme": "bearer"}}, failure=Failure, always=(401, 503),
    )  # fmt: skip
    described = document(DOOR, about)
    assert set(described["paths"]) == {"/v1/shelves", "/v1/shelves/{shelf_id}", "/v1/shelves/{shelf_id}/fire"}
    listing, creation = described["paths"]["/v1/shelves"].values()
    assert (listing["operationId"], listing["summary"], listing["description"]) == (
        "list_shelves", "List shelves", "Newest first.",
    )  # fmt: skip
    assert [(p["name"], p["in"], p["required"]) for p in listing["parameters"]] == [
        ("limit", "query", False), ("exact", "query", False), ("tags", "query", False),
    ]  # fmt: skip
    assert set(creation["responses"]) == {"201", "400", "401", "409", "422", "503"}
    assert creation["parameters"][0]["name"] == "Idempotency-Key"
    assert creation["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Shelf"}
    assert set(described["components"]["schemas"]) >= {"Shelf", "Wanted", "Failure"}
    fetched = described["paths"]["/v1/shelves/{shelf_id}"]["get"]["parameters"][0]
    assert (fetched["in"], fetched["schema"]) == ("path", {"type": "string", "format": "uuid"})


class Place(msgspec.Struct, frozen=True, array_like=True):
    key: str
    id: str


def test_a_cursor_holds_its_place_and_is_good_for_one_listing():
    signer = Signer(b"k" * 32)
    cursors = Cursors(signer, "shelves", Place)
    text = cursors.issue(Place("ä", "1"))
    assert cursors.read(text) == Place("ä", "1")
    for other in (Cursors(signer, "books", Place), Cursors(Signer(b"l" * 32), "shelves", Place)):
        with pytest.raises(Invalid):
            other.read(text)
    for damaged in ("", "x", text[:-1], text + "A", "ü" + text):
        with pytest.raises(Invalid):
            cursors.read(damaged)
