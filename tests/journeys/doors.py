"""The doors as one person uses them: each brings an artifact in, shows what is there, and lets go of it.

All of them work on one shelf, a root collection: the hypha collection, the orbit, the space. What a protocol puts
somewhere else (the IVCAP client knows no collections of this kind) is moved onto the shelf.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import requests
from hypha_rpc.rpc import RemoteException
from hypha_rpc.sync import connect_to_server

from armarium import IVCAP, AimableClient, DataForceClient
from armarium.domain.identifiers import workspace_uuid
from armarium.sdk.aimable import errors as aimable_errors
from armarium.sdk.filesystem import ArmariumFileSystem
from armarium.sdk.ivcap.errors import IvcapError
from tests.faces.people import Person

SHELF = "shelf"


class Seen(NamedTuple):
    """What a door tells of an artifact; None where it does not say."""

    id: str
    name: str | None
    size: int | None = None
    sha256: str | None = None
    file_name: str | None = None
    created_at: int | None = None
    modified_at: int | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None


class Door(Protocol):
    """What a person does through one door; ids are the artifact's UUID."""

    name: str

    def bring(self, name: str, path: Path) -> str:
        """Store a file as a new artifact."""
        ...

    def listed(self) -> dict[str, str | None]:
        """Id and name of everything on the shelf."""
        ...

    def find(self, id: str) -> Seen | None: ...

    def fetch(self, id: str) -> bytes: ...

    def describe(self, id: str, name: str, description: str, tags: list[str]) -> None: ...

    def delete(self, id: str) -> None: ...


def as_hypha_tells(found: Mapping[str, Any], files: Sequence[Mapping[str, Any]]) -> Seen:
    manifest = found["manifest"]
    file = files[0] if len(files) == 1 else {}
    return Seen(
        id=found["_id"],
        name=manifest.get("name"),
        size=file.get("size"),
        file_name=file.get("name"),
        created_at=found["created_at"],
        modified_at=found["last_modified"],
        description=manifest.get("description"),
        tags=tuple(manifest.get("tags") or ()),
    )


def seconds(text: str | datetime | None) -> int | None:
    """ISO 8601 as seconds since the epoch."""
    moment = datetime.fromisoformat(text) if isinstance(text, str) else text
    return int(moment.timestamp()) if moment else None


class HyphaRpc:
    """The unmodified `hypha-rpc` client."""

    name = "hypha RPC"

    def __init__(self, url: str, person: Person) -> None:
        self.server = connect_to_server({"server_url": url, "token": person.token})
        self.manager = self.server.get_service("public/artifact-manager")

    def bring(self, name: str, path: Path) -> str:
        made = self.manager.create(parent_id=SHELF, manifest={"name": name}, type="dataset", stage=True)
        put(self.manager.put_file(made["id"], path.name), path.read_bytes())
        return str(self.manager.commit(made["id"])["_id"])

    def listed(self) -> dict[str, str | None]:
        children = self.manager.list(parent_id=SHELF, limit=1000)
        return {child["_id"]: child["manifest"].get("name") for child in children}

    def find(self, id: str) -> Seen | None:
        try:
            found = self.manager.read(id)
        except RemoteException:
            return None
        return as_hypha_tells(found, self.manager.list_files(id))

    def fetch(self, id: str) -> bytes:
        files = self.manager.list_files(id)
        return requests.get(self.manager.get_file(id, files[0]["name"]), timeout=30).content

    def describe(self, id: str, name: str, description: str, tags: list[str]) -> None:
        manifest = self.manager.read(id)["manifest"]
        self.manager.edit(id, manifest={**manifest, "name": name, "description": description, "tags": tags})

    def delete(self, id: str) -> None:
        self.manager.delete(id)


class HyphaHttp:
    """The HTTP routes of the hypha door, with functions called by POST."""

    name = "hypha HTTP"

    def __init__(self, url: str, person: Person) -> None:
        self._root = f"{url}/{person.workspace}/artifacts"
        self._calls = f"{url}/public/services/artifact-manager"
        self._session = requests.Session()
        self._session.headers.update(person.headers)
        self._workspace = person.workspace

    def call(self, function: str, **arguments: Any) -> Any:
        answer = self._session.post(f"{self._calls}/{function}", json=arguments, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def bring(self, name: str, path: Path) -> str:
        parent = f"{self._workspace}/{SHELF}"
        made = self.call("create", parent_id=parent, manifest={"name": name}, type="dataset", stage=True)
        put(f"{self._root}/{made['alias']}/files/{path.name}", path.read_bytes(), self._session)
        return str(self.call("commit", artifact_id=made["id"])["_id"])

    def listed(self) -> dict[str, str | None]:
        children = self._session.get(f"{self._root}/{SHELF}/children?limit=1000", timeout=30).json()
        return {child["_id"]: child["manifest"].get("name") for child in children}

    def find(self, id: str) -> Seen | None:
        answer = self._session.get(f"{self._root}/{id}", timeout=30)
        if answer.status_code == 404:
            return None
        return as_hypha_tells(answer.json(), self._session.get(f"{self._root}/{id}/files/", timeout=30).json())

    def fetch(self, id: str) -> bytes:
        files = self._session.get(f"{self._root}/{id}/files/", timeout=30).json()
        return self._session.get(f"{self._root}/{id}/files/{files[0]['name']}", timeout=30).content

    def describe(self, id: str, name: str, description: str, tags: list[str]) -> None:
        manifest = self._session.get(f"{self._root}/{id}", timeout=30).json()["manifest"]
        described = {**manifest, "name": name, "description": description, "tags": tags}
        self.call("edit", artifact_id=id, manifest=described)

    def delete(self, id: str) -> None:
        self.call("delete", artifact_id=id)


class DataForce:
    """Our client of the dataforce door; the shelf is an orbit, whose id stands for that of a collection."""

    name = "dataforce"

    def __init__(self, url: str, person: Person, folder: Path, shelf_id: str) -> None:
        self._client = DataForceClient(url, person.token, workspace_uuid(person.workspace), shelf_id)
        self._shelf = {"collection_id": shelf_id}
        self._folder = folder

    def bring(self, name: str, path: Path) -> str:
        return str(self._client.artifacts.upload(str(path), name, **self._shelf).id)

    def listed(self) -> dict[str, str | None]:
        return {artifact.id: artifact.name for artifact in self._client.artifacts.list(**self._shelf)}

    def find(self, id: str) -> Seen | None:
        found = self._client.artifacts.get(id, **self._shelf)
        return found and Seen(
            id=found.id,
            name=found.name,
            size=found.size,
            sha256=found.file_hash,
            file_name=found.file_name,
            created_at=seconds(found.created_at),
            modified_at=seconds(found.updated_at),
            description=found.description,
            tags=tuple(found.tags or ()),
        )

    def fetch(self, id: str) -> bytes:
        target = self._folder / f"fetched-{id}"
        self._client.artifacts.download(id, str(target), **self._shelf)
        return target.read_bytes()

    def describe(self, id: str, name: str, description: str, tags: list[str]) -> None:
        self._client.artifacts.update(id, name=name, description=description, tags=tags, **self._shelf)

    def delete(self, id: str) -> None:
        self._client.artifacts.delete(id, **self._shelf)


class Ivcap:
    """Our client of the IVCAP door, which names things once and for all and deletes none."""

    name = "ivcap"

    def __init__(self, url: str, person: Person) -> None:
        self._ivcap = IVCAP(url, person.token)

    def bring(self, name: str, path: Path) -> str:
        made = self._ivcap.upload_artifact(name=name, file_path=path, content_type="application/x-tar")
        return uuid_in(made.id)

    def listed(self) -> dict[str, str | None]:
        return {uuid_in(artifact.id): artifact.name for artifact in self._ivcap.list_artifacts(limit=1000)}

    def find(self, id: str) -> Seen | None:
        try:
            found = self._ivcap.get_artifact(f"urn:ivcap:artifact:{id}")
        except IvcapError:
            return None
        return Seen(
            id=uuid_in(found.id),
            name=found.name,
            size=found.size,
            sha256=found.etag if len(found.etag or "") == 64 else None,  # of what no one has hashed it is a version
            created_at=seconds(found.created_at),
            modified_at=seconds(found.last_modified_at),
        )

    def state(self, id: str, schema: str, content: dict[str, Any]) -> None:
        self._ivcap.add_aspect(f"urn:ivcap:artifact:{id}", content, schema=schema)

    def stated(self, id: str, schema: str) -> list[dict[str, Any]]:
        heard = self._ivcap.list_aspects(entity=f"urn:ivcap:artifact:{id}", schema=schema)
        return [dict(aspect.content or {}) for aspect in heard]

    def fetch(self, id: str) -> bytes:
        return b"".join(self._ivcap.get_artifact(f"urn:ivcap:artifact:{id}").as_stream())

    def describe(self, id: str, name: str, description: str, tags: list[str]) -> None:
        raise NotImplementedError

    def delete(self, id: str) -> None:
        raise NotImplementedError


class Aimable:
    """Our client of the aimable door; the shelf is a space."""

    name = "aimable"

    def __init__(self, url: str, person: Person, shelf_id: str) -> None:
        self._client = AimableClient(url, api_key=person.token)
        self._shelf_id = shelf_id

    def bring(self, name: str, path: Path) -> str:
        made = self._client.artifacts.generate(self._shelf_id, name, path.read_bytes(), file_name=path.name)
        return made.id

    def listed(self) -> dict[str, str | None]:
        return {artifact.id: artifact.name for artifact in self._client.artifacts.iterate(self._shelf_id)}

    def find(self, id: str) -> Seen | None:
        try:
            found = self._client.artifacts.get(self._shelf_id, id)
        except aimable_errors.NotFound:
            return None
        return Seen(
            id=found.id,
            name=found.name,
            size=found.size,
            sha256=found.sha256,
            file_name=found.file_name,
            created_at=seconds(found.created_at),
            modified_at=seconds(found.updated_at),
        )

    def fetch(self, id: str) -> bytes:
        return self._client.artifacts.read(self._shelf_id, id)

    def describe(self, id: str, name: str, description: str, tags: list[str]) -> None:
        raise NotImplementedError

    def delete(self, id: str) -> None:
        self._client.artifacts.delete(self._shelf_id, id)


class Fsspec:
    """Our file system, which knows artifacts by their files."""

    name = "fsspec"

    def __init__(self, url: str, person: Person) -> None:
        self._files = ArmariumFileSystem(
            url=url, token=person.token, use_listings_cache=False, skip_instance_cache=True
        )
        self._workspace = person.workspace
        self._rpc = HyphaHttp(url, person)
        self._numbers = itertools.count(1)

    def bring(self, name: str, path: Path) -> str:
        place = f"{self._workspace}/filed-{next(self._numbers)}"
        shelf = f"{self._workspace}/{SHELF}"
        self._files.mkdir(place, parent_id=shelf, manifest={"name": name}, type="dataset")
        self._files.put_file(str(path), f"{place}/{path.name}")
        self._files.commit(place)
        return str(self._rpc.call("read", artifact_id=place)["_id"])

    def listed(self) -> dict[str, str | None]:
        raise NotImplementedError

    def find(self, id: str) -> Seen | None:
        try:
            files = self._files.ls(f"{self._workspace}/{id}", detail=True)
        except FileNotFoundError:
            return None
        return Seen(id, None, files[0]["size"], file_name=files[0]["name"].rpartition("/")[2])

    def fetch(self, id: str) -> bytes:
        return bytes(self._files.cat_file(self._files.ls(f"{self._workspace}/{id}", detail=False)[0]))

    def describe(self, id: str, name: str, description: str, tags: list[str]) -> None:
        raise NotImplementedError

    def delete(self, id: str) -> None:
        raise NotImplementedError


def put(url: str, content: bytes, session: requests.Session | None = None) -> None:
    answer = (session or requests).put(url, data=content, timeout=30)
    assert answer.ok, answer.text


def uuid_in(urn: str) -> str:
    return urn.rpartition(":")[2]


@contextmanager
def all_doors(url: str, person: Person, folder: Path) -> Iterator[dict[str, Door]]:
    """Every door, opened by one person on a shelf of their own."""
    rpc = HyphaRpc(url, person)
    try:
        config = {"permissions": {person.id: "*"}}
        shelf = rpc.manager.create(alias=SHELF, type="collection", manifest={"name": "Shelf"}, config=config)
        doors: list[Door] = [
            rpc,
            HyphaHttp(url, person),
            DataForce(url, person, folder, shelf["_id"]),
            Ivcap(url, person),
            Aimable(url, person, shelf["_id"]),
            Fsspec(url, person),
        ]
        yield {door.name: door for door in doors}
    finally:
        rpc.server.disconnect()


def move_to_shelf(rpc: HyphaRpc, id: str) -> None:
    rpc.manager.set_parent(id, SHELF)
