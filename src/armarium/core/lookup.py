"""Finding what a caller means: an artifact by its name, and the files a version or a draft shows."""

from armarium.domain.artifact import Found
from armarium.domain.errors import Invalid, NotFound
from armarium.domain.file import FileEntry
from armarium.domain.identifiers import parse_ref
from armarium.domain.principal import Principal
from armarium.domain.version import Intent, Selector, StagedFile, Version, pick_version
from armarium.ports.catalog import Reader

_ELSEWHERE = "Note: When working with artifacts from other workspaces, use the full name 'workspace/alias'."


async def find(
    reader: Reader, principal: Principal, name: str, *, count_children: bool = False, shared: bool = False
) -> Found:
    """Find an artifact by UUID, `workspace/alias` or an alias of the caller's workspace. Raises NotFound, Invalid.

    shared: in a transaction, only refer to it.
    """
    ref = parse_ref(name, principal.workspace)
    found = await reader.find_artifact(ref, viewer=principal.effective_id, count_children=count_children, shared=shared)
    if found is None:
        raise NotFound("artifact", str(ref), f"Artifact with ID '{ref}' does not exist. {_ELSEWHERE}")
    return found


class Shown:
    """The files one reader sees: those of a version, those staged, or the staged over those of a version."""

    def __init__(self, found: Found, *, version: Selector = None, stage: bool = False) -> None:
        artifact = found.artifact
        if stage and version not in (None, "stage"):
            raise Invalid("version", "You cannot specify a version when using stage mode.")
        drafted = artifact.intent is not None
        self.artifact = artifact
        self.draft = drafted and (
            stage or version == "stage" or (version in (None, "latest") and not artifact.versions)
        )
        self.version = self._version(None if version == "stage" else version)

    def _version(self, selector: Selector) -> Version | None:
        if self.draft and self.artifact.intent is Intent.NEW_VERSION:
            return None
        return pick_version(self.artifact.versions, selector)

    async def staged(self, reader: Reader) -> tuple[StagedFile, ...]:
        if not self.draft:
            return ()
        return (await reader.staged_files([self.artifact.id])).get(self.artifact.id, ())

    async def find(self, reader: Reader, paths: list[str]) -> dict[str, FileEntry]:
        """The entries of these paths; a path that is not shown is left out."""
        entries = await reader.find_files(self.version.id, paths) if self.version else {}
        return _overlaid(entries, [file for file in await self.staged(reader) if file.path in paths])

    async def all(self, reader: Reader, prefix: str = "") -> list[FileEntry]:
        """Every file below a prefix, sorted by path."""
        entries = await reader.list_files(self.version.id, prefix=prefix) if self.version else []
        staged = [file for file in await self.staged(reader) if file.path.startswith(prefix)]
        return _sorted(_overlaid({entry.path: entry for entry in entries}, staged))

    async def directory(
        self, reader: Reader, directory: str, *, limit: int | None = None
    ) -> tuple[list[FileEntry], list[str]]:
        """The files directly in a directory and the names of its subdirectories, both sorted."""
        if not self.draft:
            if self.version is None:
                return [], []
            return await reader.list_directory(self.version.id, directory, limit=limit)
        below = await self.all(reader, directory)
        rests = [entry.path[len(directory) :] for entry in below]
        files = [entry for entry, rest in zip(below, rests, strict=True) if "/" not in rest]
        return files, sorted({rest.partition("/")[0] for rest in rests if "/" in rest})


def _overlaid(entries: dict[str, FileEntry], staged: list[StagedFile]) -> dict[str, FileEntry]:
    merged = dict(entries)
    for file in staged:
        arrived = arrived_entry(file)
        if file.removed:
            merged.pop(file.path, None)
        elif arrived is not None:
            merged[file.path] = arrived
    return merged


def arrived_entry(file: StagedFile) -> FileEntry | None:
    """A staged file as an entry, once its bytes are there."""
    if file.blob_id is None or file.size_bytes is None or file.modified_at is None:
        return None
    return FileEntry(
        path=file.path,
        blob_id=file.blob_id,
        size_bytes=file.size_bytes,
        modified_at=file.modified_at,
        content_type=file.content_type,
        sha256=file.sha256,
    )


def _sorted(entries: dict[str, FileEntry]) -> list[FileEntry]:
    return [entries[path] for path in sorted(entries)]
