"""A service that speaks the protocol, over HTTP. Source: protocols/ivcap.md, sections 2 to 11."""

import base64
from asyncio import IncompleteReadError
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import msgspec

from armarium.sdk.download import download
from armarium.sdk.ivcap import tus
from armarium.sdk.ivcap.environment import Deployment
from armarium.sdk.ivcap.errors import IvcapApiError, NotAuthorizedException
from armarium.sdk.ivcap.platform import ArtifactQuery, AspectQuery, NewArtifact, Page, Record, Transfer
from armarium.sdk.ivcap.sources import Source
from armarium.sdk.transport import Bytes, Failure, Transport, TransportError

if TYPE_CHECKING:
    from aiohttp import ClientResponse, StreamReader

_REDIRECTS = (301, 302, 303, 307, 308)


class RemotePlatform:
    """One deployment, as one caller sees it."""

    def __init__(self, deployment: Deployment) -> None:
        self.url: str | None = deployment.url
        self.account_id = deployment.account_id
        self._headers = {"Authorization": f"Bearer {deployment.token}"} if deployment.token else {}

    async def create(self, new: NewArtifact, size: int | None, key: str) -> Record:
        headers = {
            "X-Content-Type": new.content_type,
            "X-Content-Length": str(-1 if size is None else size),
            "Tus-Resumable": tus.VERSION,
            "X-Name": None if new.name is None else base64.b64encode(new.name.encode()).decode(),
            "X-Collection": new.collection,
            "X-Policy": new.policy,
            "Idempotency-Key": key,
        }
        given = {name: value for name, value in headers.items() if value is not None}
        return await self._record("upload_artifact", "POST", "/1/artifacts", headers=given)

    async def send(self, record: Record, source: Source, transfer: Transfer) -> Record:
        if source.size != 0:
            has_some = record.get("status") == "partial"
            target = tus.Target(self._for("upload_artifact"), data_path(record), record["id"], has_some)
            await tus.send(target, source, transfer)
        return await self.artifact(record["id"])

    async def artifact(self, id: str) -> Record:
        return await self._record("artifact_read", "GET", _below("/1/artifacts", id))

    async def artifacts(self, query: ArtifactQuery, limit: int, page: str | None) -> Page:
        asked = {
            "limit": limit,
            "page": page,
            "filter": query.filter,
            "order-by": query.order_by,
            "order-desc": _word(query.order_desc),
            "at-time": None if query.at_time is None else query.at_time.isoformat(),
        }
        return await self._page("artifact_list", "/1/artifacts", asked)

    async def content(self, record: Record, chunk_size: int) -> AsyncIterator[bytes]:
        transport = self._for("artifact_content")
        try:
            async with transport.open(data_path(record)) as response:
                while not response.content.at_eof():
                    if chunk := await _filled(response.content, chunk_size):
                        yield chunk
        except TransportError as broken:
            raise transport.failed(broken.failure) from broken.__cause__

    async def save(self, record: Record, path: Path) -> None:
        await download(self._for("artifact_content"), data_path(record), path)

    async def add_aspect(self, entity: str, schema: str, content: Record, policy: str | None) -> str:
        return await self._write_aspect("add_aspect", "POST", entity, schema, content, policy)

    async def replace_aspect(self, entity: str, schema: str, content: Record, policy: str | None) -> str:
        return await self._write_aspect("update_aspect", "PUT", entity, schema, content, policy)

    async def aspect(self, id: str) -> Record:
        return await self._record("aspect", "GET", _below("/1/aspects", id))

    async def aspects(self, query: AspectQuery, limit: int, page: str | None) -> Page:
        asked = {
            "limit": limit,
            "page": page,
            "entity": query.entity,
            "schema": query.schema,
            "content-path": query.content_path,
            "at-time": None if query.at_time is None else query.at_time.isoformat(),
            "filter": query.filter,
            "order-by": query.order_by,
            "order-direction": query.order_direction,
            "include-content": _word(query.include_content),
        }
        return await self._page("aspect_list", "/1/aspects", asked)

    async def retract_aspect(self, id: str) -> None:
        await self._for("aspect").call("DELETE", _below("/1/aspects", id))

    async def search(self, query: str, limit: int) -> Record:
        headers = {"Content-Type": "application/datalog+mangle"}
        body = Bytes(query.encode())
        return await self._record("search", "POST", "/1/search", query={"limit": limit}, body=body, headers=headers)

    async def secrets(self, filter: str | None, limit: int, page: str | None) -> Page:
        return await self._page("secret_list", "/1/secrets/list", {"limit": limit, "page": page, "filter": filter})

    async def secret(self, name: str, type: str | None) -> Record:
        return await self._record("secret", "GET", "/1/secrets", query={"secret-name": name, "secret-type": type})

    async def set_secret(self, secret: Record) -> None:
        await self._for("set_secret").call("POST", "/1/secrets", json=secret)

    async def _write_aspect(
        self, operation: str, method: str, entity: str, schema: str, content: Record, policy: str | None
    ) -> str:
        about = {"entity": entity, "schema": schema, "policy": policy}
        answer = await self._record(operation, method, "/1/aspects", query=about, json=content)
        return str(answer["id"])

    async def _page(self, operation: str, path: str, query: Mapping[str, Any]) -> Page:
        answer = await self._record(operation, "GET", path, query=query)
        return Page(answer["items"], _next(answer.get("links", [])))

    async def _record(self, operation: str, method: str, path: str, **how: Any) -> Record:
        answer = await self._for(operation).call(method, path, **how)
        record: Record = answer.into(Record)
        return record

    def _for(self, operation: str) -> "_Following":
        """A transport whose failures carry the name of the operation."""
        assert self.url is not None  # noqa: S101 - set by the constructor; None is what a folder says
        return _Following(self.url, failed=lambda failure: refusal(operation, failure), headers=self._headers)


class _Following(Transport):
    """Goes where a service sends us for bytes. The store that is there has credentials of its own: ours stay here."""

    @asynccontextmanager
    async def open(self, url: str, **how: Any) -> AsyncIterator["ClientResponse"]:
        async with AsyncExitStack() as stack:
            try:
                response = await stack.enter_async_context(super().open(url, **how))
            except IvcapApiError as answer:
                where = answer.headers.get("location")
                if answer.status_code not in _REDIRECTS or where is None:
                    raise
                whole = urljoin(f"{self.base_url}{url}", where)
                response = await stack.enter_async_context(super().open(whole, **how))
            yield response


def refusal(operation: str, failure: Failure) -> IvcapApiError:
    """The exception for an answer; no answer at all has status 0."""
    kind = NotAuthorizedException if failure.status in (401, 403) else IvcapApiError
    return kind(
        operation,
        failure.status or 0,
        _as_sent(failure.body),
        message=_said(failure),
        headers=failure.headers,
        url=failure.url,
    )


def data_path(record: Record) -> str:
    """Where the bytes are, below the URL of the service: hosts named in a record are not believed."""
    if not record.get("data-href"):
        raise IvcapApiError("artifact_content", 0, message="the service does not say where the bytes are")
    parts = urlsplit(record["data-href"])
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


async def _filled(stream: "StreamReader", most: int) -> bytes:
    """The next bytes, fewer than asked for only at the end."""
    try:
        return await stream.readexactly(most)
    except IncompleteReadError as end:
        return end.partial


def _as_sent(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else msgspec.json.encode(body)


def _said(failure: Failure) -> str:
    said = failure.body.get("message") if isinstance(failure.body, dict) else None
    return str(said) if said else failure.reason


def _next(links: list[Record]) -> str | None:
    hrefs = [str(link["href"]) for link in links if link.get("rel") == "next"]
    return parse_qs(urlsplit(hrefs[0]).query)["page"][0] if hrefs else None


def _below(path: str, id: str) -> str:
    return f"{path}/{quote(id, safe='')}"


def _word(flag: bool) -> str:
    return "true" if flag else "false"
