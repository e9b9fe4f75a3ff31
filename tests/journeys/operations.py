"""What can be asked of an artifact, in the words of every door, and what the permission table must allow for it."""

import base64
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from armarium.core.buckets import own_bucket_id
from armarium.domain.principal import Action, Role
from tests.journeys.rights import Need

FILE, MEMBER = "a.zip", "m.txt"
STATES = ("committed", "changed", "draft")
"""Of an artifact in a collection: with a version; with a version and a draft over it; never committed."""
ROOT = "root"
"""The state of a collection that lies in none."""
ARRIVING = "arriving"
"""The state of what waits for its bytes, by an upload that can be resumed."""
OPEN_DOORS = ("hypha", "tus")
"""Those that take callers who do not say who they are."""


class Target(NamedTuple):
    """What is asked about. shelf: the collection the artifact is in, or the artifact itself where it is in none."""

    workspace: str
    organization: str
    shelf: str
    id: str
    alias: str
    aspect: str = ""
    upload: str = ""

    @property
    def orbit(self) -> str:
        return f"/v1/organizations/{self.organization}/orbits/{self.shelf}"

    @property
    def collection(self) -> str:
        return f"{self.orbit}/collections/{self.shelf}"

    @property
    def space(self) -> str:
        return f"/v1/spaces/{self.shelf}"

    @property
    def page(self) -> str:
        return f"/{self.workspace}/artifacts/{self.alias}"

    @property
    def urn(self) -> str:
        return f"urn:ivcap:artifact:{self.id}"


class Request(NamedTuple):
    """How a door is asked. body: JSON, or bytes."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = {}


class Row(NamedTuple):
    """One way through a door. draft: what is needed instead for what was never committed, any of these.

    shows: whether an answer that is no refusal tells anything.
    """

    door: str
    need: Need
    request: Callable[[Target], Request]
    draft: Sequence[Need] | None = None
    shows: Callable[[Any], bool] | None = None

    def needs(self, state: str) -> Sequence[Need]:
        return self.draft if state == "draft" and self.draft is not None else (self.need,)


class Operation(NamedTuple):
    """The same thing asked at every door that has a word for it. changes: whether the artifact is not as it was."""

    rows: tuple[Row, ...]
    changes: bool = False
    states: tuple[str, ...] = STATES
    has_aspect: bool = False


TUS = {"Tus-Resumable": "1.0.0"}
TUS_BODY = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}


def content() -> bytes:
    """A zip, so that there is something inside."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(MEMBER, "what is in it")
    return buffer.getvalue()


def get(path: Callable[[Target], str]) -> Callable[[Target], Request]:
    return lambda t: Request("GET", path(t))


def delete(path: Callable[[Target], str]) -> Callable[[Target], Request]:
    return lambda t: Request("DELETE", path(t))


def call(function: str, **arguments: Any) -> Callable[[Target], Request]:
    """A function of the artifact manager; arguments that are functions are asked for their value."""

    def request(t: Target) -> Request:
        given = {name: value(t) if callable(value) else value for name, value in arguments.items()}
        return Request("POST", f"/public/services/artifact-manager/{function}", {"artifact_id": t.id, **given})

    return request


def call_without_id(function: str, **arguments: Any) -> Callable[[Target], Request]:
    def request(t: Target) -> Request:
        asked = call(function, **arguments)(t)
        return asked._replace(body={name: value for name, value in asked.body.items() if name != "artifact_id"})

    return request


def both_spellings(rest: str = "") -> list[Callable[[Target], str]]:
    """The paths of an artifact at the door of dataforce, of either generation."""

    def path(kind: str) -> Callable[[Target], str]:
        return lambda t: "/".join(filter(None, (t.collection, kind, t.id, rest)))

    return [path("artifacts"), path("model_artifacts")]


def _shelf(t: Target) -> str:
    return t.shelf


def _stating(method: str, schema: str) -> Callable[[Target], Request]:
    return lambda t: Request(method, f"/1/aspects?entity={quote(t.urn)}&schema=urn:tests:{schema}", {"is": "so"})


def _dataforce_model(t: Target) -> Request:
    body = {
        "file_name": "a.dfs", "extra_values": {}, "manifest": {}, "file_hash": "", "file_index": {}, "size": 1,
        "name": "new",
    }  # fmt: skip
    return Request("POST", f"{t.collection}/artifacts", body)


def _dataforce_old_model(t: Target) -> Request:
    return _dataforce_model(t)._replace(path=f"{t.collection}/model_artifacts")


def _tus(t: Target) -> Request:
    named = {"artifact": t.id, "path": FILE}
    metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in named.items())
    headers = {**TUS, "Upload-Length": "3", "Upload-Metadata": metadata}
    return Request("POST", "/-/tus", headers=headers)


A = Action
READ = Need((A.READ,))
GET_FILE = Need(on_file=(A.GET_FILE,))
PUT_FILE = Need(on_file=(A.PUT_FILE,))
DELETE = Need((A.DELETE,), on_parent=(A.DETACH,))
DELETE_THERE = Need((A.DELETE,), on_parent=(A.READ, A.DETACH))
SEND = Need((A.READ, A.EDIT), on_file=(A.PUT_FILE,))
EDITOR_OR_DRAFTER = (
    Need((A.READ, A.EDIT), on_parent=(A.READ,)),
    Need((A.READ,), on_parent=(A.READ, A.DRAFT)),
)
"""Who is shown, in a collection of dataforce, what was never committed."""

OPERATIONS: Mapping[str, Operation] = {
    "read": Operation(
        (
            Row("hypha", READ, get(lambda t: t.page)),
            Row("hypha", READ, call("read")),
            *(
                Row("dataforce", Need((A.READ,), on_parent=(A.READ,)), get(path), EDITOR_OR_DRAFTER)
                for path in both_spellings()
            ),
            Row("ivcap", READ, get(lambda t: f"/1/artifacts/{t.urn}"), [Need((A.READ, A.EDIT))]),
            Row("aimable", READ, get(lambda t: f"{t.space}/artifacts/{t.id}")),
            Row("aimable", READ, get(lambda t: f"{t.space}/artifacts/{t.id}/jobs")),
        )
    ),
    "read the draft": Operation(
        (Row("hypha", READ, call("read", stage=True)), Row("hypha", READ, get(lambda t: f"{t.page}?stage=true"))),
        states=("changed", "draft"),
    ),
    "list the files": Operation(
        (
            Row("hypha", Need((A.LIST_FILES,)), get(lambda t: f"{t.page}/files/")),
            Row("hypha", Need((A.LIST_FILES,)), get(lambda t: f"{t.page}/files")),
            Row("hypha", Need((A.LIST_FILES,)), call("list_files")),
        )
    ),
    "fetch": Operation(
        (
            Row("hypha", GET_FILE, get(lambda t: f"{t.page}/files/{FILE}")),
            Row("hypha", GET_FILE, call("get_file", file_path=FILE)),
            Row("hypha", GET_FILE, call("read_file", file_path=FILE, format="base64")),
            Row("hypha", GET_FILE, get(lambda t: f"{t.page}/zip-files/{FILE}?path={MEMBER}")),
            Row("hypha", GET_FILE, get(lambda t: f"{t.page}/zip-files/{FILE}/~/{MEMBER}")),
            Row("hypha", GET_FILE, get(lambda t: f"{t.page}/create-zip-file?file={FILE}")),
            Row("hypha", Need((A.GET_FILE,)), get(lambda t: f"{t.page}/create-zip-file")),
            *(
                Row("dataforce", Need((A.GET_FILE,), on_parent=(A.READ,)), get(path), ())
                for path in both_spellings("download-url")
            ),
            Row(
                "ivcap",
                Need((A.READ, A.GET_FILE)),
                get(lambda t: f"/1/artifacts/{t.urn}/blob"),
                [Need((A.READ, A.EDIT))],
            ),
            Row(
                "ivcap",
                Need((A.READ, A.GET_FILE)),
                lambda t: Request("HEAD", f"/1/artifacts/{t.urn}/blob"),
                [Need((A.READ, A.EDIT))],
            ),
            Row("aimable", Need((A.READ, A.GET_FILE)), get(lambda t: f"{t.space}/artifacts/{t.id}/download"), [READ]),
        )
    ),
    "look at": Operation((Row("hypha", Need((A.READ, A.GET_FILE)), get(lambda t: f"/{t.workspace}/view/{t.alias}")),)),
    "hear statements": Operation(
        (
            Row("ivcap", READ, get(lambda t: f"/1/aspects/{t.aspect}")),
            Row(
                "ivcap",
                READ,
                get(lambda t: f"/1/aspects?entity={quote(t.urn)}&schema=urn:tests:heard"),
                shows=lambda answer: bool(answer["items"]),
            ),
        ),
        has_aspect=True,
    ),
    "make a statement": Operation((Row("ivcap", Need((A.EDIT,)), _stating("POST", "made")),)),
    "replace a statement": Operation((Row("ivcap", Need((A.EDIT,)), _stating("PUT", "replaced")),)),
    "retract a statement": Operation(
        (Row("ivcap", Need((A.READ, A.EDIT)), delete(lambda t: f"/1/aspects/{t.aspect}")),), has_aspect=True
    ),
    "stage a change": Operation(
        (Row("hypha", Need((A.EDIT,)), call("edit", manifest={"name": "x"}, stage=True)),), True
    ),
    "change at once": Operation(
        (
            Row(
                "hypha",
                Need((A.EDIT, A.COMMIT), on_parent=(A.MUTATE,)),
                call("edit", manifest={"name": "x"}),
                [Need((A.EDIT, A.COMMIT), on_parent=(A.ATTACH,))],
            ),
        ),
        True,
    ),
    "rename": Operation(
        (
            Row(
                "dataforce",
                Need((A.READ, A.EDIT, A.COMMIT), on_parent=(A.READ,)),
                lambda t: Request("PATCH", f"{t.collection}/artifacts/{t.id}", {"name": "x"}),
            ),
            Row(
                "dataforce",
                Need((A.READ, A.EDIT, A.COMMIT), on_parent=(A.READ,)),
                lambda t: Request("PATCH", f"{t.collection}/model_artifacts/{t.id}", {"model_name": "x"}),
            ),
        )
    ),
    "commit": Operation(
        (Row("hypha", Need((A.COMMIT,)), call("commit"), [Need((A.COMMIT,), on_parent=(A.ATTACH,))]),), True
    ),
    "discard": Operation((Row("hypha", Need((A.EDIT,)), call("discard")),), True),
    "discard what is staged": Operation(
        (Row("hypha", Need((A.GET_STATUS, A.EDIT)), call("discard_changes")),), True, ("changed", "draft")
    ),
    "discard nothing": Operation(
        (Row("hypha", Need((A.GET_STATUS,)), call("discard_changes")),), states=("committed",)
    ),
    "ask what is staged": Operation((Row("hypha", Need((A.GET_STATUS,)), call("get_status")),)),
    "stage a file": Operation(
        (
            Row("hypha", PUT_FILE, call("put_file", file_path=FILE)),
            Row("hypha", PUT_FILE, call("put_file_start_multipart", file_path=FILE, part_count=1)),
            Row(
                "hypha",
                PUT_FILE,
                lambda t: Request("POST", f"{t.page}/create-multipart-upload?path={FILE}&part_count=1"),
            ),
            Row("tus", PUT_FILE, _tus),
        )
    ),
    "write a file": Operation(
        (
            Row("hypha", PUT_FILE, call("write_file", file_path=FILE, content="x")),
            Row("hypha", PUT_FILE, lambda t: Request("PUT", f"{t.page}/files/{FILE}", b"x")),
        ),
        True,
    ),
    "replace the content": Operation(
        (
            Row(
                "aimable",
                Need((A.READ, A.EDIT, A.PUT_FILE, A.COMMIT)),
                lambda t: Request("PUT", f"{t.space}/artifacts/{t.id}/content", b"x"),
                [Need((A.READ, A.EDIT, A.PUT_FILE, A.COMMIT), on_parent=(A.ATTACH,))],
            ),
        ),
        True,
    ),
    "remove a file": Operation(
        (Row("hypha", Need(on_file=(A.REMOVE_FILE,)), call("remove_file", file_path=FILE)),), True
    ),
    "weigh downloads": Operation(
        (Row("hypha", Need((A.SET_DOWNLOAD_WEIGHT,)), call("set_download_weight", file_path=FILE, download_weight=2)),)
    ),
    "learn a secret": Operation((Row("hypha", Need((A.GET_SECRET,)), call("get_secret", secret_key="k")),)),
    "set a secret": Operation(
        (Row("hypha", Need((A.SET_SECRET,)), call("set_secret", secret_key="k", secret_value="v")),)
    ),
    "reset the counts": Operation((Row("hypha", Need((A.RESET_STATS,)), call("reset_stats")),)),
    "publish": Operation((Row("hypha", Need((A.PUBLISH,)), call("publish", to="nowhere")),)),
    "read vectors": Operation(
        (
            Row("hypha", Need((A.SEARCH_VECTORS,)), call("search_vectors", query=[1.0])),
            Row("hypha", Need((A.LIST_VECTORS,)), call("list_vectors")),
            Row("hypha", Need((A.GET_VECTOR,)), call("get_vector", id="x")),
        )
    ),
    "write vectors": Operation(
        (
            Row("hypha", Need((A.ADD_VECTORS,)), call("add_vectors", vectors=[{"id": "x", "vector": [1.0]}])),
            Row("hypha", Need((A.REMOVE_VECTORS,)), call("remove_vectors", ids=["x"])),
            Row("hypha", Need((A.ADD_DOCUMENTS,)), call("add_documents", documents=["x"])),
        )
    ),
    "copy": Operation(
        (
            Row(
                "hypha",
                Need((A.READ, A.GET_FILE), on_parent=(A.LIST, A.ATTACH)),
                call_without_id("duplicate", source_artifact_id=lambda t: t.id, target_parent_id=_shelf),
            ),
        )
    ),
    "move within": Operation(
        (
            Row(
                "hypha",
                Need((A.READ,), on_parent=(A.DETACH, A.ATTACH)),
                call("set_parent", new_parent_id=_shelf),
            ),
        )
    ),
    "move out": Operation(
        (Row("hypha", Need((A.READ,), (), (A.DETACH,), Role.READ_WRITE), call("set_parent", new_parent_id=None)),), True
    ),
    "delete a version": Operation((Row("hypha", Need((A.DELETE,)), call("delete", version="v0")),), True),
    "delete": Operation(
        (
            Row("hypha", DELETE, call("delete")),
            Row("hypha", DELETE, call("delete", recursive=True)),
            *(Row("dataforce", DELETE_THERE, delete(path)) for path in both_spellings()),
            *(Row("dataforce", DELETE_THERE, delete(path)) for path in both_spellings("force")),
            *(Row("dataforce", DELETE_THERE, get(path)) for path in both_spellings("delete-url")),
            Row(
                "dataforce",
                DELETE_THERE,
                lambda t: Request("DELETE", f"{t.collection}/artifacts", {"artifact_ids": [t.id], "force": True}),
            ),
            Row(
                "dataforce",
                DELETE_THERE,
                lambda t: Request("POST", f"{t.collection}/artifacts/delete-urls", {"artifact_ids": [t.id]}),
            ),
            Row(
                "aimable",
                Need((A.READ, A.DELETE), on_parent=(A.DETACH,)),
                delete(lambda t: f"{t.space}/artifacts/{t.id}"),
            ),
        ),
        True,
    ),
    # of what arrives by an upload that can be resumed
    "ask how far it is": Operation(
        (
            Row("ivcap", SEND, lambda t: Request("HEAD", f"/1/artifacts/{t.urn}/blob", headers=TUS)),
            Row("tus", PUT_FILE, lambda t: Request("HEAD", f"/-/tus/{t.upload}", headers=TUS)),
        ),
        states=(ARRIVING,),
    ),
    "send bytes": Operation(
        (
            Row("ivcap", SEND, lambda t: Request("PATCH", f"/1/artifacts/{t.urn}/blob", b"", TUS_BODY)),
            Row("ivcap", SEND, lambda t: Request("PUT", f"/1/artifacts/{t.urn}/blob", b"abc")),
            Row("tus", PUT_FILE, lambda t: Request("PATCH", f"/-/tus/{t.upload}", b"", TUS_BODY)),
        ),
        True,
        (ARRIVING,),
    ),
    "give an upload up": Operation(
        (
            Row("ivcap", SEND, lambda t: Request("DELETE", f"/1/artifacts/{t.urn}/blob", headers=TUS)),
            Row("tus", PUT_FILE, lambda t: Request("DELETE", f"/-/tus/{t.upload}", headers=TUS)),
        ),
        True,
        (ARRIVING,),
    ),
    # of the collection that something is in
    "list": Operation(
        (
            Row("hypha", Need(on_parent=(A.LIST,)), get(lambda t: f"/{t.workspace}/artifacts/{t.shelf}/children")),
            Row("hypha", Need(on_parent=(A.LIST,)), call_without_id("list", parent_id=_shelf)),
            Row("hypha", Need(on_parent=(A.LIST,)), call_without_id("search", parent_id=_shelf)),
            Row("dataforce", Need(on_parent=(A.LIST,)), get(lambda t: f"{t.collection}/artifacts")),
            Row("dataforce", Need(on_parent=(A.LIST,)), get(lambda t: f"{t.collection}/model_artifacts")),
            Row("dataforce", Need(on_parent=(A.LIST,)), get(lambda t: f"{t.orbit}/artifacts")),
            Row("dataforce", Need(on_parent=(A.LIST,)), get(lambda t: f"{t.orbit}/collections")),
            Row("dataforce", Need(on_parent=(A.LIST,)), get(lambda t: f"{t.orbit}/collections/tags")),
            Row("aimable", Need(on_parent=(A.READ, A.LIST)), get(lambda t: f"{t.space}/artifacts")),
        ),
        states=("committed",),
    ),
    "create": Operation(
        (
            Row(
                "hypha",
                Need(on_parent=(A.LIST, A.ATTACH)),
                call_without_id("create", parent_id=_shelf, manifest={"name": "new"}),
            ),
            Row(
                "aimable",
                Need(on_parent=(A.READ, A.LIST, A.ATTACH)),
                lambda t: Request("POST", f"{t.space}/artifacts/generate", {"name": "new", "content": "YQ=="}),
            ),
            Row(
                "dataforce",
                Need(on_parent=(A.READ, A.LIST, A.ATTACH)),
                lambda t: Request("POST", f"{t.orbit}/collections", {"name": "n", "description": "", "type": "model"}),
            ),
        ),
        states=("committed",),
    ),
    "submit": Operation(
        (
            Row(
                "hypha",
                Need(on_parent=(A.LIST, A.DRAFT)),
                call_without_id("create", parent_id=_shelf, manifest={"name": "new"}, stage=True),
            ),
            Row("dataforce", Need(on_parent=(A.READ, A.LIST, A.DRAFT)), _dataforce_model),
            Row("dataforce", Need(on_parent=(A.READ, A.LIST, A.DRAFT)), _dataforce_old_model),
        ),
        states=("committed",),
    ),
    # of a collection that is in none
    "describe a collection": Operation(
        (
            Row("hypha", READ, get(lambda t: t.page)),
            Row("dataforce", READ, get(lambda t: t.orbit)),
            Row("dataforce", READ, get(lambda t: t.collection)),
            Row("ivcap", READ, get(lambda t: f"/1/artifacts/{t.urn}")),
            Row("aimable", READ, get(lambda t: t.space)),
        ),
        states=(ROOT,),
    ),
    "belong to the workspace": Operation(
        (Row("dataforce", Need(in_workspace=Role.READ), get(lambda t: f"/v1/organizations/{t.organization}")),),
        states=(ROOT,),
    ),
    "run the workspace": Operation(
        (
            Row(
                "dataforce",
                Need(in_workspace=Role.ADMIN),
                get(lambda t: f"/v1/organizations/{t.organization}/bucket-secrets"),
            ),
            Row(
                "dataforce",
                Need(in_workspace=Role.ADMIN),
                get(lambda t: f"/v1/organizations/{t.organization}/bucket-secrets/{own_bucket_id(t.workspace)}"),
            ),
            Row(
                "dataforce",
                Need(in_workspace=Role.ADMIN),
                lambda t: Request(
                    "POST",
                    f"/v1/organizations/{t.organization}/orbits",
                    {"name": "n", "bucket_secret_id": own_bucket_id(t.workspace)},
                ),
            ),
        ),
        states=(ROOT,),
    ),
    "change a collection": Operation(
        (
            Row("hypha", Need((A.EDIT, A.COMMIT)), call("edit", manifest={"name": "x"})),
            Row(
                "dataforce",
                Need((A.DELETE, A.EDIT, A.COMMIT)),
                lambda t: Request("PATCH", t.orbit, {"name": "x"}),
            ),
            Row(
                "dataforce",
                Need((A.EDIT, A.COMMIT)),
                lambda t: Request("PATCH", t.collection, {"name": "x"}),
            ),
            Row("aimable", Need((A.READ, A.EDIT, A.COMMIT)), lambda t: Request("PATCH", t.space, {"name": "x"})),
        ),
        states=(ROOT,),
    ),
    "delete a collection": Operation(
        (
            Row("hypha", Need((A.DELETE,)), call("delete")),
            Row("dataforce", Need((A.DELETE,)), delete(lambda t: t.orbit)),
            Row("dataforce", Need((A.DELETE,)), delete(lambda t: t.collection)),
            Row("aimable", Need((A.READ, A.DELETE)), delete(lambda t: t.space)),
        ),
        True,
        (ROOT,),
    ),
}  # fmt: skip
"""Every operation on an artifact. What a door asks beyond what is done to the artifact itself (that its collection may
be read, as its path names it) is part of its row."""
