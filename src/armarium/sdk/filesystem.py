"""Artifacts as an fsspec file system, for pandas, xarray, zarr and everything else that reads `armarium://` URLs.

    armarium://<workspace>/<alias>/<path>

Reading sees the latest version, another `version`, or with `stage=True` the draft. Writing always goes into the draft,
which `mkdir` or `begin` opens and `commit` makes a version of.
"""

import asyncio
import posixpath
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import quote

try:
    from fsspec.asyn import AsyncFileSystem, sync_wrapper
    from fsspec.callbacks import DEFAULT_CALLBACK
    from fsspec.spec import AbstractBufferedFile
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError("armarium:// URLs need fsspec: pip install 'armarium[fsspec]'") from missing

from armarium.sdk.download import download
from armarium.sdk.loop import background_loop
from armarium.sdk.transport import Body, Bytes, Failure, Transport
from armarium.sdk.upload import FileSlice

_CALLS = "/public/services/artifact-manager"
_PAGE = 1000


class _Place(NamedTuple):
    """A path below `armarium://`; what it does not name is empty."""

    workspace: str
    alias: str
    path: str

    @property
    def artifact_id(self) -> str:
        return f"{self.workspace}/{self.alias}"

    @property
    def url(self) -> str:
        return f"/{quote(self.workspace)}/artifacts/{quote(self.alias)}"

    @property
    def file_url(self) -> str:
        return f"{self.url}/files/{quote(self.path)}"


class ArmariumFileSystem(AsyncFileSystem):  # type: ignore[misc]  # fsspec has no types
    """One server, as one caller sees it.

    url, token: of the server; without a token what is open to everybody. stage: read the draft.
    Raises FileNotFoundError, PermissionError, and OSError for everything else the server refuses.
    """

    protocol = "armarium"
    root_marker = ""
    cachable = True

    def __init__(
        self,
        url: str = "http://127.0.0.1:8100",
        token: str | None = None,
        *,
        stage: bool = False,
        version: str | None = None,
        asynchronous: bool = False,
        **options: Any,
    ) -> None:
        loop = None if asynchronous else background_loop()
        super().__init__(asynchronous=asynchronous, loop=loop, **options)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._transport = Transport(url, failed=_refusal, headers=headers)
        self._seen = {"stage": "true"} if stage else {} if version is None else {"version": version}

    # -- drafts ---------------------------------------------------------------------------------------------------

    async def _begin(self, path: str, **options: Any) -> None:
        """Open a draft of the latest version of an artifact, or with `version="new"` of another one, without files yet.

        options: of the function `edit`, such as `manifest`.
        """
        await self._call("edit", artifact_id=_place(path).artifact_id, stage=True, **options)

    async def _commit(self, path: str, version: str | None = None, comment: str | None = None) -> None:
        """Make the draft of an artifact a version. version: its label, if it is a new one."""
        await self._call("commit", artifact_id=_place(path).artifact_id, version=version, comment=comment)

    async def _discard(self, path: str) -> None:
        """Forget the draft of an artifact."""
        await self._call("discard", artifact_id=_place(path).artifact_id)

    begin = sync_wrapper(_begin)
    commit = sync_wrapper(_commit)
    discard = sync_wrapper(_discard)

    # -- looking --------------------------------------------------------------------------------------------------

    async def _ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        place = _place(path)
        if not place.workspace:
            raise FileNotFoundError("Name a workspace: armarium://<workspace>")
        entries = await self._entries(place) if place.alias else await self._artifacts(place.workspace)
        return entries if detail else [entry["name"] for entry in entries]

    async def _entries(self, place: _Place) -> list[dict[str, Any]]:
        """What is in a directory of an artifact; a file is all there is in itself."""
        base = posixpath.join(place.workspace, place.alias, place.path).rstrip("/")
        url = f"{place.file_url}/" if place.path else f"{place.url}/files"
        try:
            answer = await self._transport.call("GET", url, query=self._seen | {"limit": 0, "silent": "true"})
        except FileNotFoundError:
            if not place.path:
                raise
            return [await self._file_info(place)]
        return [_entry(base, item) for item in answer.json()]

    async def _artifacts(self, workspace: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            query = {"offset": len(found), "limit": _PAGE, "silent": "true"}
            answer = await self._transport.call("GET", f"/{quote(workspace)}/artifacts/-/search", query=query)
            page = answer.json()
            found += [_directory(f"{workspace}/{item['alias']}") for item in page]
            if len(page) < _PAGE:
                return found

    async def _info(self, path: str, **_: Any) -> dict[str, Any]:
        place = _place(path)
        if not place.path:
            if place.alias:
                await self._transport.call("GET", place.url, query=self._seen | {"silent": "true"})
            return _directory(self._strip_protocol(path))
        try:
            return await self._file_info(place)
        except FileNotFoundError:
            await self._transport.call("GET", f"{place.file_url}/", query=self._seen | {"limit": 1, "silent": "true"})
            return _directory(self._strip_protocol(path))

    async def _file_info(self, place: _Place) -> dict[str, Any]:
        headers = (await self._transport.call("HEAD", place.file_url, query=self._seen)).headers
        return {
            "name": posixpath.join(place.workspace, place.alias, place.path),
            "size": int(headers["content-length"]),
            "type": "file",
            "mtime": parsedate_to_datetime(headers["last-modified"]) if "last-modified" in headers else None,
            "etag": headers.get("etag"),
        }

    def modified(self, path: str) -> datetime:
        """When a file was changed last, in UTC; raises FileNotFoundError for directories."""
        moment = self.info(path).get("mtime")
        if moment is None:
            raise FileNotFoundError(f"'{path}' has no time of its own.")
        return moment  # type: ignore[no-any-return]

    # -- reading --------------------------------------------------------------------------------------------------

    async def _cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        place = _place(path)
        headers = None
        if start is not None or end is not None:
            first, stop = await self._limits(path, start, end)
            if first >= stop:
                return b""
            headers = {"Range": f"bytes={first}-{stop - 1}"}
        return (await self._transport.call("GET", place.file_url, query=self._seen, headers=headers)).body

    async def _limits(self, path: str, start: int | None, end: int | None) -> tuple[int, int]:
        """First byte and the one after the last; negative numbers count from the end."""
        size = (await self._info(path))["size"]
        first, stop, _ = slice(start, end).indices(size)
        return first, stop

    async def _get_file(self, rpath: str, lpath: str, callback: Any = DEFAULT_CALLBACK, **_: Any) -> None:
        target = Path(lpath)
        if await self._isdir(rpath):
            await asyncio.to_thread(target.mkdir, parents=True, exist_ok=True)
            return
        query = "&".join(f"{name}={quote(value)}" for name, value in self._seen.items())
        url = _place(rpath).file_url + (f"?{query}" if query else "")
        await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
        await download(self._transport, url, target, progress=lambda done, _all: callback.absolute_update(done))

    # -- writing --------------------------------------------------------------------------------------------------

    async def _pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: Any) -> None:
        if mode == "create" and await self._exists(path):
            raise FileExistsError(path)
        await self._store(path, Bytes(value))

    async def _put_file(self, lpath: str, rpath: str, callback: Any = DEFAULT_CALLBACK, **_: Any) -> None:
        source = Path(lpath)
        if await asyncio.to_thread(source.is_dir):
            return
        body = FileSlice(source, told=callback.absolute_update)
        callback.set_size(body.length)
        await self._store(rpath, body)

    async def _store(self, path: str, body: Body) -> None:
        place = _place(path)
        if not place.path:
            raise OSError(f"'{path}' names no file.")
        await self._transport.call("PUT", place.file_url, body=body)

    async def _rm_file(self, path: str, **_: Any) -> None:
        """Take a file out of the draft. Directories go with their last file."""
        place = _place(path)
        if not place.path:
            raise OSError("An artifact is not deleted as a file: use one of the clients.")
        if place.path and not await self._isdir(path):
            await self._call("remove_file", artifact_id=place.artifact_id, file_path=place.path)

    async def _mkdir(self, path: str, create_parents: bool = True, **options: Any) -> None:
        """Make an artifact, as a draft. Directories in it come with their first file."""
        place = _place(path)
        if place.alias and not place.path:
            about = {"manifest": {"name": place.alias}} | options
            await self._call("create", alias=place.alias, workspace=place.workspace, stage=True, **about)

    async def _makedirs(self, path: str, exist_ok: bool = False) -> None:
        place = _place(path)
        if place.alias and not await self._exists(place.artifact_id):
            await self._mkdir(place.artifact_id)
        elif not place.path and not exist_ok:
            raise FileExistsError(path)

    def _open(self, path: str, mode: str = "rb", block_size: int | str = "default", **options: Any) -> "_File":
        if mode not in ("rb", "wb"):
            raise ValueError(f"armarium:// files are opened with 'r' or 'w', not with '{mode}'")
        return _File(self, path, mode, block_size, **options)

    async def _call(self, function: str, **arguments: Any) -> Any:
        given = {name: value for name, value in arguments.items() if value is not None}
        return (await self._transport.call("POST", f"{_CALLS}/{function}", json=given)).json()


class _File(AbstractBufferedFile):  # type: ignore[misc]
    """A file that is open: read by ranges, written to a temporary file that is sent when it is closed."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        content: bytes = self.fs.cat_file(self.path, start, end)
        return content

    def _initiate_upload(self) -> None:
        self._written: IO[bytes] = tempfile.NamedTemporaryFile(prefix="armarium-")  # noqa: SIM115 - closed by commit

    def _upload_chunk(self, final: bool = False) -> bool:
        self._written.write(self.buffer.getvalue())
        if final and self.autocommit:
            self.commit()
        return True

    def commit(self) -> None:
        with self._written as written:
            written.flush()
            self.fs.put_file(written.name, self.path)

    def discard(self) -> None:
        self._written.close()


def _place(path: str) -> _Place:
    workspace, _, rest = ArmariumFileSystem._strip_protocol(path).partition("/")  # noqa: SLF001 - fsspec's own word
    alias, _, inner = rest.partition("/")
    return _Place(workspace, alias, inner)


def _directory(name: str) -> dict[str, Any]:
    return {"name": name, "size": 0, "type": "directory"}


def _entry(base: str, item: Mapping[str, Any]) -> dict[str, Any]:
    name = f"{base}/{item['name']}"
    if item["type"] == "directory":
        return _directory(name)
    at = item["last_modified"]
    mtime = None if at is None else datetime.fromtimestamp(at, UTC)
    return {"name": name, "size": item["size"], "type": "file", "mtime": mtime}


def _refusal(failure: Failure) -> OSError:
    said = failure.body.get("detail") if isinstance(failure.body, dict) else None
    kind = {401: PermissionError, 403: PermissionError, 404: FileNotFoundError}.get(failure.status or 0, OSError)
    return kind(str(said or failure.reason))
