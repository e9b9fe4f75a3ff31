"""The operations of this door."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from starlette.types import Receive, Scope, Send

from armarium.auth.identify import Identify
from armarium.core import Core
from armarium.core.archives import Content
from armarium.domain.artifact import Artifact
from armarium.domain.document import Target
from armarium.domain.errors import Invalid, NotFound
from armarium.domain.job import Job
from armarium.domain.principal import Principal
from armarium.domain.query import AnyOf, Condition, Cursor, Equals, Field
from armarium.domain.storage_keys import blob_key
from armarium.faces.aimable import mapping, schemas
from armarium.faces.aimable.credentials import Caller
from armarium.faces.aimable.errors import Failure, WrongMediaType, tell
from armarium.faces.http.cursors import Cursors
from armarium.faces.http.openapi import About
from armarium.faces.http.parameters import Call
from armarium.faces.http.rate_limits import RateLimits, limited
from armarium.faces.http.rest import Answer, Operation, RestDoor
from armarium.faces.http.streaming import send_blob, send_content

PREFIXES = ("/v1", "/api-proxy/v1")
_SPACE = "/spaces/{space_id}"
_ARTIFACT = _SPACE + "/artifacts/{artifact_id}"
_JSON = "application/json"


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a listing goes on. within: what is listed; who: for whom; filters: as they were asked for."""

    within: str
    who: str
    filters: list[list[str]]
    key: str | float | None
    id: str


class AimableDoor:
    """Answers for spaces, artifacts and their jobs."""

    def __init__(self, core: Core, *, max_inline_bytes: int, max_file_bytes: int | None) -> None:
        self._core = core
        self._max_inline_bytes = max_inline_bytes
        self._max_file_bytes = max_file_bytes
        self._cursors = Cursors(core.signer, "aimable", Place)

    def operations(self) -> list[Operation]:
        return [
            Operation(method="GET", path="/health", handler=self.health),
            Operation(method="GET", path="/me", handler=self.me),
            Operation(method="GET", path="/spaces", handler=self.list_spaces),
            Operation(method="POST", path="/spaces", handler=self.create_space, status=201, fails=_WRITE, creates=True),
            Operation(method="GET", path=_SPACE, handler=self.get_space, fails=(404,)),
            Operation(method="PATCH", path=_SPACE, handler=self.update_space, fails=(*_WRITE, 404)),
            Operation(method="DELETE", path=_SPACE, handler=self.delete_space, status=204, fails=(404, 409)),
            Operation(method="GET", path=f"{_SPACE}/artifacts", handler=self.list_artifacts, fails=(404,)),
            Operation(
                method="POST", path=f"{_SPACE}/artifacts/generate", handler=self.generate, status=201,
                also={202: schemas.Artifact}, fails=(*_WRITE, 404), creates=True,
            ),
            Operation(method="GET", path=_ARTIFACT, handler=self.get_artifact, fails=(404,)),
            Operation(method="DELETE", path=_ARTIFACT, handler=self.delete_artifact, status=204, fails=(404,)),
            Operation(
                method="GET", path=f"{_ARTIFACT}/download", handler=self.download, gives="application/octet-stream",
                also={206: None, 304: None}, fails=(404, 409, 412, 416),
            ),
            Operation(
                method="PUT", path=f"{_ARTIFACT}/content", handler=self.put_content, takes="application/octet-stream",
                fails=(404, 409, 413),
            ),
            Operation(method="GET", path=f"{_ARTIFACT}/jobs", handler=self.list_jobs, fails=(404,)),
            Operation(method="GET", path=f"{_ARTIFACT}/jobs/{{job_id}}", handler=self.get_job, fails=(404,)),
            Operation(
                method="POST", path=f"{_ARTIFACT}/jobs/{{job_id}}/cancel", handler=self.cancel_job, fails=(404, 409)
            ),
            Operation(
                method="POST", path=f"{_ARTIFACT}/jobs/{{job_id}}/retry", handler=self.retry_job, fails=(404, 409)
            ),
        ]  # fmt: skip

    async def health(self) -> schemas.Health:
        """Say that the service answers."""
        return schemas.Health("healthy", "armarium is running")

    async def me(self, who: Principal) -> schemas.Me:
        """Say who the credential stands for."""
        user = await self._core.catalog.find_user(who.effective_id)
        created_at = mapping.moment(user.created_at) if user else None
        return schemas.Me(id=who.effective_id, email=who.email, name=who.effective_id, created_at=created_at)

    # spaces

    async def list_spaces(self, who: Principal, query: schemas.SpacesQuery, call: Call) -> Answer[list[schemas.Space]]:
        """List the caller's spaces, newest first.

        With `limit` the list comes in pages: `X-Next-Cursor` and `Link` lead to the next one.
        """
        if query.limit is None and query.cursor is None:
            return Answer(await self._as_spaces([space async for space in self._core.spaces.all(who)]))
        limit = query.limit or 50
        after, _ = self._after(query.cursor, "spaces", who, [])
        page = await self._core.spaces.page(who, after=after, limit=limit)
        cursor = self._next("spaces", who, [], page.next)
        headers = {}
        if cursor is not None:
            link = f"{_prefix(call)}/spaces?{urlencode({'limit': limit, 'cursor': cursor})}"
            headers = {"x-next-cursor": cursor, "link": f'<{link}>; rel="next"'}
        return Answer(await self._as_spaces(page.artifacts), headers=headers)

    async def _as_spaces(self, spaces: list[Artifact]) -> list[schemas.Space]:
        counts = await self._core.spaces.counts(spaces) if spaces else {}
        return [mapping.space_of(space, counts.get(space.id, 0)) for space in spaces]

    async def create_space(self, who: Principal, body: schemas.NewSpace, call: Call) -> Answer[schemas.Space]:
        """Add a space."""
        _require_json(call)
        space = await self._core.spaces.create(who, mapping.space_manifest(body), id=call.resource_id)
        location = f"{_prefix(call)}/spaces/{space.id}"
        return Answer(mapping.space_of(space, 0), headers={"location": location})

    async def get_space(self, who: Principal, space_id: UUID) -> schemas.Space:
        """Describe a space."""
        found = await self._core.spaces.find(who, str(space_id))
        return mapping.space_of(found.artifact, found.child_count)

    async def update_space(
        self, who: Principal, space_id: UUID, body: schemas.SpaceChanges, call: Call
    ) -> schemas.Space:
        """Change what is given of a space; null clears."""
        _require_json(call)
        found = await self._core.spaces.update(who, str(space_id), mapping.space_changes(body))
        return mapping.space_of(found.artifact, found.child_count)

    async def delete_space(self, who: Principal, space_id: UUID, query: schemas.DeleteQuery) -> None:
        """Remove a space; with `force` also one that holds artifacts."""
        await self._core.spaces.delete(who, str(space_id), force=query.force)

    # artifacts

    async def list_artifacts(
        self, who: Principal, space_id: UUID, query: schemas.ArtifactsQuery, call: Call
    ) -> schemas.Artifacts:
        """List the artifacts of a space, newest first.

        Every filter may be repeated or hold a list: any of its values. Filters combine with and.
        """
        asked = [mapping.any_of(values) for values in (query.thread_id, query.document_type, query.status)]
        after, filters = self._after(query.cursor, str(space_id), who, asked)
        threads, kinds, statuses = filters
        documents, next_ = await self._core.documents.page(
            who,
            str(space_id),
            _where(threads, kinds),
            mapping.statuses_of(statuses),
            after=after,
            limit=query.limit,
        )
        cursor = self._next(str(space_id), who, filters, next_)
        data = [mapping.artifact_of(document, _prefix(call)) for document in documents]
        return schemas.Artifacts(data, cursor, schemas.Paging(cursor, cursor is not None, query.limit))

    async def generate(
        self, who: Principal, space_id: UUID, body: schemas.Generate, call: Call
    ) -> Answer[schemas.Artifact]:
        """Make an artifact: from its bytes at once, or from a source by a job.

        201 means it is completed. 202 means a job will make it: look at `status`, or at its jobs.
        """
        _require_json(call)
        kind = mapping.kind_of(body)
        content = mapping.content_of(body, self._max_inline_bytes)
        is_made = body.format is not None or content is None
        if not is_made and content is not None and body.source is None and not _source_ids(body):
            order = mapping.stored_order(body, content)
            made = await self._core.documents.store(who, str(space_id), order, content, id=call.resource_id)
        else:
            target = Target(body.format or ("markdown" if kind in mapping.WRITTEN_KINDS else "html"))
            sources = await self._core.documents.sources(who, str(space_id), _source_ids(body))
            recipe = mapping.recipe_of(body, target, sources, content)
            order = mapping.made_order(body, target)
            made = await self._core.documents.make(who, str(space_id), order, recipe, id=call.resource_id)
        location = f"{_prefix(call)}/spaces/{space_id}/artifacts/{made.artifact.id}"
        status = 201 if made.status.is_final else 202
        return Answer(mapping.artifact_of(made, _prefix(call)), status=status, headers={"location": location})

    async def get_artifact(self, who: Principal, space_id: UUID, artifact_id: UUID, call: Call) -> schemas.Artifact:
        """Describe an artifact."""
        found = await self._core.documents.read(who, str(space_id), str(artifact_id))
        return mapping.artifact_of(found, _prefix(call))

    async def delete_artifact(self, who: Principal, space_id: UUID, artifact_id: UUID) -> None:
        """Remove an artifact with its jobs."""
        await self._core.documents.delete(who, str(space_id), str(artifact_id))

    async def download(self, who: Principal, space_id: UUID, artifact_id: UUID) -> Any:
        """Send the file of an artifact; an artifact with several files is sent as their zip.

        Honours `Range` and conditions. 409 while it is not completed.
        """
        file = await self._core.documents.open(who, str(space_id), str(artifact_id))

        async def send_it(scope: Scope, receive: Receive, send: Send) -> None:
            if isinstance(file, Content):
                await send_content(
                    scope, receive, send, file.open, size_bytes=file.size_bytes, etag=file.etag,
                    modified_at=file.modified_at, content_type=file.content_type, filename=file.filename, inline=False,
                )  # fmt: skip
                return
            await send_blob(
                scope, receive, send, self._core.blobs, blob_key(file.blob_id), size_bytes=file.size_bytes,
                etag=file.sha256 or file.blob_id, modified_at=file.modified_at, content_type=file.content_type,
                filename=file.path, inline=False,
            )  # fmt: skip

        return send_it

    async def put_content(
        self, who: Principal, space_id: UUID, artifact_id: UUID, query: schemas.ContentQuery, call: Call
    ) -> schemas.Artifact:
        """Replace the content of an artifact by the body, of any size; what it was before stays as a version.

        `Content-Type` becomes its type; without one it keeps its own.
        """
        length = call.header("content-length")
        document = await self._core.documents.replace(
            who,
            str(space_id),
            str(artifact_id),
            call.body(),
            file_name=mapping.clean_name(query.file_name) if query.file_name else None,
            media_type=call.header("content-type"),
            limit_bytes=self._max_file_bytes,
            size_bytes=int(length) if length and length.isascii() and length.isdigit() else None,
        )
        return mapping.artifact_of(document, _prefix(call))

    # jobs

    async def list_jobs(
        self, who: Principal, space_id: UUID, artifact_id: UUID, query: schemas.PageQuery
    ) -> schemas.Jobs:
        """List the jobs of an artifact, newest first."""
        within = f"jobs {artifact_id}"
        after, _ = self._after(query.cursor, within, who, [])
        before = after.id if after else None
        page = await self._core.documents.jobs(who, str(space_id), str(artifact_id), before=before, limit=query.limit)
        cursor = self._next(within, who, [], Cursor(None, page.next) if page.next else None)
        data = [mapping.job_of(job, str(space_id)) for job in page.jobs]
        return schemas.Jobs(data, cursor, schemas.Paging(cursor, cursor is not None, query.limit))

    async def get_job(self, who: Principal, space_id: UUID, artifact_id: UUID, job_id: UUID) -> schemas.Job:
        """Describe a job."""
        return mapping.job_of(await self._job(who, space_id, artifact_id, job_id), str(space_id))

    async def cancel_job(self, who: Principal, space_id: UUID, artifact_id: UUID, job_id: UUID) -> schemas.Job:
        """End a job that is not over, also in the middle of its work."""
        await self._job(who, space_id, artifact_id, job_id)
        return mapping.job_of(await self._core.jobs.cancel(who, str(job_id)), str(space_id))

    async def retry_job(self, who: Principal, space_id: UUID, artifact_id: UUID, job_id: UUID) -> schemas.Job:
        """Let a failed or cancelled job begin anew."""
        await self._job(who, space_id, artifact_id, job_id)
        return mapping.job_of(await self._core.jobs.retry(who, str(job_id)), str(space_id))

    async def _job(self, who: Principal, space_id: UUID, artifact_id: UUID, job_id: UUID) -> Job:
        await self._core.spaces.find_in(who, str(space_id), str(artifact_id))
        job = await self._core.jobs.get(who, str(job_id))
        if job.artifact_id != str(artifact_id):
            raise NotFound("job", str(job_id))
        return job

    # pages

    def _after(
        self, text: str | None, within: str, who: Principal, asked: list[list[str]]
    ) -> tuple[Cursor | None, list[list[str]]]:
        """Where to go on, and with which filters: those of the cursor, which those asked for must not contradict."""
        if text is None:
            return None, asked
        place = self._cursors.read(text)
        if (place.within, place.who) != (within, who.effective_id) or len(place.filters) != len(asked):
            raise Invalid("cursor", "The cursor belongs to another listing.")
        if any(new and sorted(new) != sorted(old) for new, old in zip(asked, place.filters, strict=True)):
            raise Invalid("cursor", "The cursor was made with other filters.")
        return Cursor(place.key, place.id), place.filters

    def _next(self, within: str, who: Principal, filters: list[list[str]], after: Cursor | None) -> str | None:
        if after is None:
            return None
        return self._cursors.issue(Place(within, who.effective_id, filters, after.key, after.id))


_WRITE = (400, 409, 413, 415)


def aimable_door(
    core: Core,
    identify: Identify,
    *,
    max_body_bytes: int,
    max_inline_bytes: int,
    max_file_bytes: int | None,
    limits: RateLimits | None,
) -> RestDoor:
    """The door as routes. max_inline_bytes: of the content of one generate request, once decoded."""
    door = AimableDoor(core, max_inline_bytes=max_inline_bytes, max_file_bytes=max_file_bytes)
    return RestDoor(
        door.operations(),
        caller=limited(Caller(identify), limits),
        tell=tell,
        max_body_bytes=max_body_bytes + max_inline_bytes * 4 // 3,
        prefixes=PREFIXES,
        idempotency=core.idempotency,
    )


def about(version: str, server_url: str) -> About:
    """What the published description says of the door."""
    return About(
        title="armarium: artifacts in spaces",
        version=version,
        description="Spaces hold artifacts, which are stored or made from others by jobs.",
        server_url=server_url,
        security={
            "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "bearer": {"type": "http", "scheme": "bearer"},
        },
        failure=Failure,
        always=(400, 401, 403, 422, 429, 503),
    )


def _prefix(call: Call) -> str:
    """The prefix a request came by, so that what it is told leads the same way."""
    return next(prefix for prefix in PREFIXES if call.scope["path"].startswith(f"{prefix}/"))


def _require_json(call: Call) -> None:
    given = (call.header("content-type") or _JSON).partition(";")[0].strip().lower()
    if given != _JSON and not given.endswith("+json"):
        raise WrongMediaType


def _source_ids(body: schemas.Generate) -> list[str]:
    one = [body.source_artifact_id] if body.source_artifact_id else []
    return [str(id_) for id_ in (*one, *body.source_artifact_ids)]


def _where(threads: list[str], kinds: list[str]) -> list[Condition]:
    fields = ((Field("manifest", f"{mapping.DOOR}.thread_id"), threads), (Field("artifact", "type"), kinds))
    return [AnyOf(tuple(Equals(field, value) for value in values)) for field, values in fields if values]
