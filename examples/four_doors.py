"""One artifact, four doors: brought in by one, read and renamed by others, with one verdict on rights.

    python examples/four_doors.py --server http://127.0.0.1:8100 --token TOKEN --other-token TOKEN_OF_ANOTHER_USER

The owner of the first token stores a file with the unmodified `hypha-rpc` client. Then both owners ask for it through
every door: before it is shared, while it is, and when it is private again. It may be run as often as you like.
"""

import argparse
import hashlib
import logging
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import requests
from hypha_rpc.rpc import RemoteException
from hypha_rpc.sync import connect_to_server

from armarium import IVCAP, AimableClient, ArmariumError, DataForceAPIError, DataForceClient, NotFound

SHELF = "four-doors"
CONTENT = b"wavelength_nm,counts\n" + b"".join(b"%d,%d\n" % (nm, nm * nm % 9973) for nm in range(380, 780))
REFUSALS = (RemoteException, DataForceAPIError, ArmariumError)


class Place(NamedTuple):
    """Where the artifact is, by UUIDs that all doors agree on.

    organization: the workspace.
    shelf: the collection, which is an orbit to DataForce (its id stands for what lies in the orbit itself) and a
    space to Aimable.
    """

    organization: str
    shelf: str
    artifact: str


class Seen(NamedTuple):
    """What a door tells of an artifact."""

    id: str
    name: str
    content: bytes


def by_hypha(server: str, token: str, place: Place) -> Seen:
    with connect_to_server({"server_url": server, "token": token}) as connection:
        manager = connection.get_service("public/artifact-manager")
        artifact = manager.read(place.artifact)
        (file,) = manager.list_files(place.artifact)
        answer = requests.get(manager.get_file(place.artifact, file["name"]), timeout=60)
    answer.raise_for_status()
    return Seen(artifact["_id"], artifact["manifest"]["name"], answer.content)


def dataforce(server: str, token: str, place: Place) -> DataForceClient:
    """A client whose organization and orbit are the owner's, whoever's token it is."""
    client = DataForceClient(server, token)
    client.organization, client.orbit = place.organization, place.shelf
    return client


def by_dataforce(server: str, token: str, place: Place) -> Seen:
    client = dataforce(server, token, place)
    artifact = client.artifacts.get(place.artifact, collection_id=place.shelf)
    if artifact is None:
        raise NotFound("artifact", place.artifact)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "download"
        client.artifacts.download(artifact.id, path, collection_id=place.shelf, on_progress=lambda done, size: None)
        return Seen(artifact.id, artifact.name or "", path.read_bytes())


def by_ivcap(server: str, token: str, place: Place) -> Seen:
    artifact = IVCAP(server, token).get_artifact(f"urn:ivcap:artifact:{place.artifact}")
    return Seen(artifact.id.rpartition(":")[2], artifact.name or "", b"".join(artifact.as_stream()))


def by_aimable(server: str, token: str, place: Place) -> Seen:
    client = AimableClient(server, api_key=token)
    artifact = client.artifacts.get(place.shelf, place.artifact)
    return Seen(artifact.id, artifact.name, client.artifacts.read(place.shelf, artifact.id))


DOORS: Mapping[str, Callable[[str, str, Place], Seen]] = {
    "hypha": by_hypha,
    "dataforce": by_dataforce,
    "ivcap": by_ivcap,
    "aimable": by_aimable,
}


def bring_in(manager: Any, organization: str) -> Place:
    """Store the file on a private shelf, in place of what an earlier run left there."""
    for earlier in manager.list(filters={"alias": SHELF}):
        manager.delete(earlier["id"], delete_files=True, recursive=True)
    shelf = manager.create(alias=SHELF, type="collection", manifest={"name": "Seen through four doors"})
    spectrum = manager.create(parent_id=shelf["id"], type="dataset", manifest={"name": "Spectrum"}, stage=True)
    requests.put(manager.put_file(spectrum["id"], "spectrum.csv"), data=CONTENT, timeout=60).raise_for_status()
    return Place(organization, shelf["_id"], manager.commit(spectrum["id"])["_id"])


def ask_every_door(server: str, token: str, place: Place) -> dict[str, Seen | None]:
    """What each door shows the owner of a token; None where it refuses."""
    shown: dict[str, Seen | None] = {}
    for door, look in DOORS.items():
        try:
            shown[door] = look(server, token, place)
        except REFUSALS:
            shown[door] = None
    return shown


def expect(who: str, shown: dict[str, Seen | None], wanted: Seen | None) -> None:
    """Print one line, or stop if a single door disagrees."""
    if set(shown.values()) != {wanted}:
        sys.exit(f"The doors disagree about what {who} may see: {shown}")
    doors = ", ".join(shown)
    if wanted is None:
        print(f"{who:12} refused by {doors}")
    else:
        digest = hashlib.sha256(wanted.content).hexdigest()[:16]
        print(f"{who:12} '{wanted.name}' {wanted.id} sha256 {digest} by {doors}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="http://127.0.0.1:8100", help="base URL of an armarium")
    parser.add_argument("--token", required=True, help="a token, see `armarium token create --help`")
    parser.add_argument("--other-token", required=True, help="a token of another user")
    options = parser.parse_args()
    logging.getLogger("RPC").setLevel(logging.ERROR)  # hypha-rpc warns of every connection that it was asked to end
    server, mine, others = options.server.rstrip("/"), options.token, options.other_token
    organization = DataForceClient(server, mine).organizations.list()[0].id
    with connect_to_server({"server_url": server, "token": mine}) as connection:
        manager = connection.get_service("public/artifact-manager")
        place = bring_in(manager, organization)
        spectrum = Seen(place.artifact, "Spectrum", CONTENT)
        expect("owner:", ask_every_door(server, mine, place), spectrum)
        expect("other:", ask_every_door(server, others, place), None)

        artifacts = dataforce(server, mine, place).artifacts
        artifacts.update(place.artifact, name="Spectrum of a lamp", collection_id=place.shelf)
        spectrum = spectrum._replace(name="Spectrum of a lamp")
        print("\nRenamed through dataforce, shared through hypha with whoever is logged in:")
        manager.edit(place.shelf, config={"permissions": {"@": "r"}})
        expect("owner:", ask_every_door(server, mine, place), spectrum)
        expect("other:", ask_every_door(server, others, place), spectrum)

        print("\nPrivate again:")
        manager.edit(place.shelf, config={"permissions": {}})
        expect("owner:", ask_every_door(server, mine, place), spectrum)
        expect("other:", ask_every_door(server, others, place), None)


if __name__ == "__main__":
    main()
