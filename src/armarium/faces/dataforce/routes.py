"""What can be asked of this door: every path with `/v1` before it and without."""

from armarium.auth.identify import Identify
from armarium.core import Core
from armarium.faces.dataforce.artifact_lists import ArtifactLists
from armarium.faces.dataforce.artifacts import Artifacts
from armarium.faces.dataforce.buckets import BucketSecrets
from armarium.faces.dataforce.collections import Collections
from armarium.faces.dataforce.credentials import Caller
from armarium.faces.dataforce.errors import Failure, tell
from armarium.faces.dataforce.lists import Pages
from armarium.faces.dataforce.organizations import Orbits, Organizations
from armarium.faces.http.openapi import About
from armarium.faces.http.rate_limits import RateLimits, limited
from armarium.faces.http.rest import Operation, RestDoor

ORGANIZATION = "/organizations/{organization_id}"
ORBITS = f"{ORGANIZATION}/orbits"
ORBIT = f"{ORBITS}/{{orbit_id}}"
COLLECTIONS = f"{ORBIT}/collections"
COLLECTION = f"{COLLECTIONS}/{{collection_id}}"
ARTIFACTS = f"{COLLECTION}/artifacts"
ARTIFACT = f"{ARTIFACTS}/{{artifact_id}}"
MODELS = f"{COLLECTION}/model_artifacts"
MODEL = f"{MODELS}/{{artifact_id}}"
SECRETS = f"{ORGANIZATION}/bucket-secrets"
SECRET = f"{SECRETS}/{{secret_id}}"


def dataforce_door(
    core: Core, identify: Identify, *, max_body_bytes: int, strict_delete: bool, limits: RateLimits | None = None
) -> RestDoor:
    """The operations of the door."""
    pages = Pages(core.signer)
    lists, artifacts = ArtifactLists(core, pages), Artifacts(core, strict_delete=strict_delete)
    operations = [
        *_organizations(Organizations(core), Orbits(core)),
        *_collections(Collections(core, pages)),
        *_artifacts(lists, artifacts),
        *_one_artifact(artifacts, ARTIFACT),
        *_models(lists, artifacts),
        *_one_artifact(artifacts, MODEL),
        *_buckets(BucketSecrets(core), artifacts),
    ]
    return RestDoor(
        operations,
        caller=limited(Caller(identify), limits),
        tell=tell,
        max_body_bytes=max_body_bytes,
        prefixes=("/v1", ""),
        idempotency=core.idempotency,
    )


def about(version: str, server_url: str) -> About:
    """What the OpenAPI document says of the door."""
    return About(
        title="armarium: the dataforce door",
        version=version,
        description="Organizations, orbits, collections and artifacts. Every path also works without /v1.",
        server_url=server_url,
        security={"apiKey": {"type": "http", "scheme": "bearer"}},
        failure=Failure,
        always=(401, 403, 413, 422, 429, 503),
    )


def _organizations(organizations: Organizations, orbits: Orbits) -> list[Operation]:
    return [
        Operation(method="GET", path="/users/me/organizations", handler=organizations.list_organizations),
        Operation(method="POST", path="/users/me/api-keys", handler=organizations.create_api_key),
        Operation(
            method="POST",
            path="/organizations",
            handler=organizations.create_organization,
            fails=(400, 409),
            creates=True,
        ),
        Operation(method="GET", path=ORGANIZATION, handler=organizations.find_organization, fails=(404,)),
        Operation(
            method="DELETE",
            path=ORGANIZATION,
            handler=organizations.delete_organization,
            status=204,
            fails=(400, 404, 409),
        ),
        Operation(method="GET", path=ORBITS, handler=orbits.list_orbits, fails=(404,)),
        Operation(method="POST", path=ORBITS, handler=orbits.create_orbit, fails=(400, 404, 409), creates=True),
        Operation(method="GET", path=ORBIT, handler=orbits.find_orbit, fails=(404,)),
        Operation(method="PATCH", path=ORBIT, handler=orbits.update_orbit, fails=(400, 404)),
        Operation(method="DELETE", path=ORBIT, handler=orbits.delete_orbit, status=204, fails=(404,)),
    ]


def _collections(collections: Collections) -> list[Operation]:
    return [
        Operation(method="GET", path=COLLECTIONS, handler=collections.list_collections, fails=(400, 404)),
        Operation(
            method="POST", path=COLLECTIONS, handler=collections.create_collection, fails=(400, 404, 409), creates=True
        ),
        Operation(method="GET", path=f"{COLLECTIONS}/tags", handler=collections.list_tags, fails=(404,)),
        Operation(method="GET", path=COLLECTION, handler=collections.find_collection, fails=(404,)),
        Operation(method="PATCH", path=COLLECTION, handler=collections.update_collection, fails=(400, 404)),
        Operation(
            method="DELETE", path=COLLECTION, handler=collections.delete_collection, status=204, fails=(404, 409)
        ),
    ]


def _artifacts(lists: ArtifactLists, artifacts: Artifacts) -> list[Operation]:
    return [
        Operation(method="GET", path=f"{ORBIT}/artifacts", handler=lists.list_in_orbit, fails=(400, 404)),
        Operation(method="GET", path=ARTIFACTS, handler=lists.list_in_collection, fails=(400, 404)),
        Operation(
            method="POST", path=ARTIFACTS, handler=artifacts.create_artifact, fails=(400, 404, 409), creates=True
        ),
        Operation(method="DELETE", path=ARTIFACTS, handler=artifacts.delete_artifacts, fails=(404,)),
        Operation(method="POST", path=f"{ARTIFACTS}/delete-urls", handler=artifacts.get_delete_urls, fails=(404,)),
    ]


def _models(lists: ArtifactLists, artifacts: Artifacts) -> list[Operation]:
    return [
        Operation(method="GET", path=MODELS, handler=lists.list_in_collection, fails=(400, 404)),
        Operation(method="POST", path=MODELS, handler=artifacts.create_model, fails=(400, 404, 409), creates=True),
    ]


def _one_artifact(artifacts: Artifacts, path: str) -> list[Operation]:
    """The operations both spellings of an artifact's path share."""
    return [
        Operation(method="GET", path=path, handler=artifacts.find_artifact, fails=(404,)),
        Operation(method="PATCH", path=path, handler=artifacts.update_artifact, fails=(400, 404)),
        Operation(method="DELETE", path=path, handler=artifacts.delete_artifact, status=204, fails=(400, 404)),
        Operation(
            method="DELETE", path=f"{path}/force", handler=artifacts.force_delete_artifact, status=204, fails=(404,)
        ),
        Operation(method="GET", path=f"{path}/download-url", handler=artifacts.get_download_url, fails=(404,)),
        Operation(method="GET", path=f"{path}/delete-url", handler=artifacts.get_delete_url, fails=(404,)),
    ]


def _buckets(buckets: BucketSecrets, artifacts: Artifacts) -> list[Operation]:
    return [
        Operation(method="GET", path=SECRETS, handler=buckets.list_bucket_secrets, fails=(404,)),
        Operation(
            method="POST", path=SECRETS, handler=buckets.create_bucket_secret, fails=(400, 404, 409), creates=True
        ),
        Operation(method="GET", path=SECRET, handler=buckets.find_bucket_secret, fails=(404,)),
        Operation(method="PATCH", path=SECRET, handler=buckets.update_bucket_secret, fails=(400, 404, 409)),
        Operation(method="DELETE", path=SECRET, handler=buckets.delete_bucket_secret, status=204, fails=(404, 409)),
        Operation(method="POST", path="/bucket-secrets/urls", handler=buckets.get_test_urls, fails=(400,)),
        Operation(
            method="POST", path="/bucket-secrets/upload/multipart", handler=artifacts.get_part_urls, fails=(404,)
        ),
    ]
