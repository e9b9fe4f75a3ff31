"""Artifacts of a collection: announced, uploaded, changed, handed out, removed."""

from typing import Any
from uuid import UUID

from armarium.core import Core
from armarium.core.deliveries import URL_LIFE, PartsTarget, Removed, Target
from armarium.domain.artifact import Artifact, Found
from armarium.domain.delivery import STATE, Declared, Status, sha256_in, status_of
from armarium.domain.errors import Invalid, NotFound
from armarium.domain.principal import Action, Principal
from armarium.faces.dataforce import schemas as s
from armarium.faces.dataforce.kinds import kind_of
from armarium.faces.dataforce.mapping import (
    Details,
    Record,
    artifact_at,
    artifact_fields,
    bucket_location,
    collection_fields,
)
from armarium.faces.http.parameters import Call

import msgspec  # isort: skip


class Artifacts:
    """Artifacts of collections; each is one file here."""

    def __init__(self, core: Core, *, strict_delete: bool) -> None:
        self._core = core
        self._strict_delete = strict_delete

    # upload

    async def create_artifact(
        self,
        who: Principal,
        organization_id: UUID,
        orbit_id: UUID,
        collection_id: UUID,
        body: s.NewArtifact,
        call: Call,
    ) -> s.CreatedArtifact:
        """Announce an artifact; the answer says where its file goes."""
        collection = await self._collection(who, organization_id, orbit_id, collection_id, Action.READ)
        artifact, target = await self._announce(who, collection, body, call)
        return s.CreatedArtifact(
            artifact=self._shown(artifact, collection), upload_details=_upload_details(artifact, collection, target)
        )

    async def create_model(
        self,
        who: Principal,
        organization_id: UUID,
        orbit_id: UUID,
        collection_id: UUID,
        body: s.NewArtifact,
        call: Call,
    ) -> s.CreatedModel:
        """Announce an artifact; the answer also says so the way the first generation reads it."""
        collection = await self._collection(who, organization_id, orbit_id, collection_id, Action.READ)
        artifact, target = await self._announce(who, collection, body, call)
        shown = self._shown(artifact, collection)
        return s.CreatedModel(
            artifact=shown,
            model=shown,
            upload_details=_upload_details(artifact, collection, target),
            url=await self._parts(who, artifact, target, body.size),
        )

    async def _announce(
        self, who: Principal, collection: Found, body: s.NewArtifact, call: Call
    ) -> tuple[Artifact, Target]:
        kind = kind_of(body, Record(collection.artifact).collection_type)
        details = Details(
            file_name=body.file_name,
            size=body.size,
            file_hash=body.file_hash,
            file_index=list(body.file_index.items()),
            manifest=body.manifest,
            extra_values=s.first_given(body.extra_values, body.metrics, default={}),
        )
        manifest: dict[str, Any] = {
            "name": s.first_given(body.name, body.model_name, default=body.file_name),
            **s.given(description=body.description, tags=body.tags),
            STATE: msgspec.to_builtins(details),
        }
        declared = Declared(path=body.file_name, size_bytes=body.size, sha256=sha256_in(body.file_hash))
        view, target = await self._core.deliveries.announce(
            who, collection, manifest=manifest, type=kind, declared=declared, id=call.resource_id
        )
        return view.artifact, target

    async def _parts(self, who: Principal, artifact: Artifact, target: Target, size: int) -> s.PartUrls:
        if not target.multipart:
            whole = s.PartUrl(part_number=1, url=target.url, start_byte=0, end_byte=size - 1, part_size=size)
            return s.PartUrls(upload_id=None, parts=[whole], complete_url=None)
        return _part_urls(await self._core.deliveries.parts(who, artifact.id, size_bytes=size))

    async def get_part_urls(self, who: Principal, body: s.PartsRequest) -> s.PartUrls:
        """Say where the parts of a large file go, and where to join them."""
        artifact_id = artifact_at(body.bucket_location)
        if artifact_id is None:
            raise NotFound("artifact", body.bucket_location)
        targets = await self._core.deliveries.parts(
            who, artifact_id, size_bytes=body.size, upload_id=body.upload_id or None
        )
        return _part_urls(targets)

    # one artifact

    async def find_artifact(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, collection_id: UUID, artifact_id: UUID
    ) -> s.ArtifactDetails:
        """Describe an artifact and its collection."""
        collection = await self._collection(who, organization_id, orbit_id, collection_id, Action.READ, counted=True)
        found = await self._core.tree.artifact(who, collection, str(artifact_id), Action.READ)
        described = s.Collection(**collection_fields(collection.artifact, collection.child_count))
        return s.ArtifactDetails(**await self._fields(found.artifact, collection), collection=described)

    async def update_artifact(
        self,
        who: Principal,
        organization_id: UUID,
        orbit_id: UUID,
        collection_id: UUID,
        artifact_id: UUID,
        body: s.ArtifactChanges,
    ) -> s.Artifact:
        """Change what is given of an artifact, or report how its upload or deletion ended."""
        collection = await self._collection(who, organization_id, orbit_id, collection_id, Action.READ)
        found = await self._core.tree.artifact(who, collection, str(artifact_id), Action.EDIT)
        if body.status is not None:
            declared = Record(found.artifact).declared()
            await self._core.deliveries.report(who, found, Status(body.status), declared)
        await self._amend(who, found, body)
        changed = await self._core.tree.artifact(who, collection, str(artifact_id), Action.READ)
        return s.Artifact(**await self._fields(changed.artifact, collection))

    async def _amend(self, who: Principal, found: Found, body: s.ArtifactChanges) -> None:
        name = s.first_given(body.name, body.model_name, default=None)
        values = s.given(name=name, description=body.description, tags=body.tags)
        details = s.given(file_name=body.file_name)
        if values or details:
            manifest = Record(found.artifact).changed(values, **details)
            await self._core.deliveries.amend(who, found, manifest, path=body.file_name)

    async def get_download_url(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, collection_id: UUID, artifact_id: UUID
    ) -> s.Url:
        """Return a URL that answers the artifact's file, with ranges; of several files it is their zip."""
        collection = await self._collection(who, organization_id, orbit_id, collection_id, Action.READ)
        found = await self._core.tree.artifact(who, collection, str(artifact_id), Action.GET_FILE)
        return s.Url(await self._core.contents.url(who, found.artifact.id, expires_in=URL_LIFE))

    # deletion

    async def get_delete_url(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, collection_id: UUID, artifact_id: UUID
    ) -> s.Url:
        """Mark an artifact for deletion; the URL's DELETE lets go of its bytes."""
        collection = await self._collection(who, organization_id, orbit_id, collection_id, Action.READ)
        removed, urls = await self._core.deliveries.condemn(who, collection, [str(artifact_id)])
        _require_all(removed)
        return s.Url(next(iter(urls.values())))

    async def get_delete_urls(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, collection_id: UUID, body: s.ArtifactIds
    ) -> s.DeleteUrls:
        """Mark several artifacts for deletion."""
        collection = await self._collection(who, organization_id, orbit_id, collection_id, Action.READ)
        removed, urls = await self._core.deliveries.condemn(who, collection, _ids(body.artifact_ids))
        marked = [
            s.DeleteUrl(artifact_id=id_, name=Record(artifact).name, url=urls[id_])
            for id_, artifact in removed.done.items()
        ]
        return s.DeleteUrls(urls=marked, failed=_undeleted(removed))

    async def delete_artifact(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, collection_id: UUID, artifact_id: UUID
    ) -> None:
        """Remove an artifact."""
        collection = await self._collection(who, organization_id, orbit_id, collection_id, Action.READ)
        if self._strict_delete:
            found = await self._core.tree.artifact(who, collection, str(artifact_id), Action.DELETE)
            status = status_of(found.artifact)
            if status is not Status.PENDING_DELETION:
                raise Invalid("status", f"Unable to confirm deletion with status '{status}'")
        _require_all(await self._core.deliveries.delete(who, collection, [str(artifact_id)], force=True))

    async def force_delete_artifact(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, collection_id: UUID, artifact_id: UUID
    ) -> None:
        """Remove an artifact whatever its status."""
        collection = await self._collection(who, organization_id, orbit_id, collection_id, Action.READ)
        _require_all(await self._core.deliveries.delete(who, collection, [str(artifact_id)], force=True))

    async def delete_artifacts(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, collection_id: UUID, body: s.Deletion
    ) -> s.Deleted:
        """Remove several artifacts; without `force` only those marked for deletion."""
        collection = await self._collection(who, organization_id, orbit_id, collection_id, Action.READ)
        removed = await self._core.deliveries.delete(who, collection, _ids(body.artifact_ids), force=body.force)
        return s.Deleted(deleted=list(removed.done), failed=_undeleted(removed))

    # what they share

    async def _collection(
        self,
        who: Principal,
        organization_id: UUID,
        orbit_id: UUID,
        collection_id: UUID,
        action: Action,
        *,
        counted: bool = False,
    ) -> Found:
        return await self._core.tree.collection(
            who, str(organization_id), str(orbit_id), str(collection_id), action, count_children=counted
        )

    async def _fields(self, artifact: Artifact, collection: Found) -> dict[str, Any]:
        contents = await self._core.contents.of([artifact])
        return artifact_fields(artifact, collection.artifact, contents.get(artifact.id))

    def _shown(self, artifact: Artifact, collection: Found) -> s.Artifact:
        """An artifact that was just announced."""
        return s.Artifact(**artifact_fields(artifact, collection.artifact, None))


def _upload_details(artifact: Artifact, collection: Found, target: Target) -> s.UploadDetails:
    record = Record(artifact)
    return s.UploadDetails(
        url=target.url,
        multipart=target.multipart,
        bucket_location=bucket_location(artifact, collection.artifact, record.details.file_name),
        bucket_secret_id=record.bucket_secret_id,
    )


def _part_urls(targets: PartsTarget) -> s.PartUrls:
    parts = [
        s.PartUrl(
            part_number=target.part.number,
            url=target.url,
            start_byte=target.part.first,
            end_byte=target.part.last,
            part_size=target.part.last - target.part.first + 1,
        )
        for target in targets.parts
    ]
    return s.PartUrls(upload_id=targets.upload_id, parts=parts, complete_url=targets.complete_url)


def _ids(given: list[UUID]) -> list[str]:
    return list(dict.fromkeys(map(str, given)))


def _undeleted(removed: Removed) -> list[s.Undeleted]:
    return [s.Undeleted(artifact_id=id_, reason=reason) for id_, reason in removed.refused.items()]


def _require_all(removed: Removed) -> None:
    for artifact_id in removed.refused:
        raise NotFound("artifact", artifact_id)
