"""The package `hypha-artifact` from PyPI, unmodified: every public method of its two classes."""

import asyncio
import inspect
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypha_artifact import AsyncHyphaArtifact, HyphaArtifact

from armarium.testing.server import RunningServer
from tests.faces.people import JWT_SECRET, Person

MANIFEST = {"name": "Birds", "description": "Counted birds"}
CSV = "id,species\n1,Alca impennis\n2,Pica pica\n"
LARGE = bytes(range(256)) * 4096 * 11 + b"tail"  # 11 MiB and a bit: three parts of at most 5 MiB


class Blocking:
    """The synchronous class, as a program uses it."""

    def __init__(self, **options: Any) -> None:
        self.inner = HyphaArtifact(**options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self.inner, name)
        return method

    def read(self, path: str, mode: str = "r", size: int = -1, **options: Any) -> Any:
        with self.inner.open(path, mode, **options) as file:
            return file.read(size)

    def write(self, path: str, content: Any, mode: str = "w") -> None:
        with self.inner.open(path, mode) as file:
            file.write(content)

    def close(self) -> None:
        pass


class Awaiting:
    """The asynchronous class; each call runs to its end."""

    def __init__(self, **options: Any) -> None:
        self.inner = AsyncHyphaArtifact(**options)
        self._runner = asyncio.Runner()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **options: self._runner.run(getattr(self.inner, name)(*args, **options))

    def read(self, path: str, mode: str = "r", size: int = -1, **options: Any) -> Any:
        async def read() -> Any:
            async with self.inner.open(path, mode, **options) as file:
                return await file.read(size)

        return self._runner.run(read())

    def write(self, path: str, content: Any, mode: str = "w") -> None:
        async def write() -> None:
            async with self.inner.open(path, mode) as file:
                await file.write(content)

        self._runner.run(write())

    def close(self) -> None:
        self._runner.run(self.inner.aclose())
        self._runner.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = {"ARMARIUM_JWT_SECRET": JWT_SECRET}
    with RunningServer(tmp_path_factory.mktemp("artifact") / "data", settings=settings) as server:
        yield server


Named = Callable[[str], Any]


@pytest.fixture
def loop() -> Iterator[None]:
    """The event loop that the main thread of a program has, where the synchronous class is at home."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(params=[Blocking, Awaiting], ids=["sync", "async"])
def named(request: pytest.FixtureRequest, loop: None, server: RunningServer, ada: Person) -> Iterator[Named]:
    """Make the client of one of Ada's artifacts; nothing is created yet."""
    opened: list[Any] = []

    def client(alias: str) -> Any:
        options = {"workspace": ada.workspace, "token": ada.token, "server_url": server.url}
        opened.append(request.param(artifact_id=alias, **options))
        return opened[-1]

    yield client
    for one in opened:
        one.close()


@pytest.fixture
def artifact(named: Named) -> Any:
    """A committed artifact with a few files."""
    artifact = named("birds")
    artifact.create(manifest=MANIFEST, stage=True)
    for path, text in (("birds.csv", CSV), ("notes/a.txt", "first"), ("notes/deep/b.txt", "second")):
        artifact.write(path, text)
    artifact.commit(comment="Three files")
    return artifact


def test_an_artifact_is_created_edited_committed_discarded_and_deleted(named: Named):
    artifact = named("life")
    artifact.create(manifest=MANIFEST, stage=True, config={"permissions": {"*": "r"}}, comment="begun")
    artifact.write("a.txt", "one")
    artifact.commit(version="first", comment="done")
    artifact.edit(manifest={"name": "Edited"}, stage=True, version="new")
    artifact.write("a.txt", "two")
    artifact.commit(version="second")
    assert artifact.read("a.txt") == "two"
    assert artifact.read("a.txt", version="first") == "one"
    artifact.edit(stage=True)
    artifact.write("a.txt", "three")
    assert artifact.read("a.txt", version="stage") == "three"
    artifact.discard()
    assert artifact.read("a.txt") == "two"
    artifact.delete(version="first")
    assert artifact.read("a.txt") == "two"
    artifact.delete(delete_files=True)
    with pytest.raises(Exception, match="does not exist"):
        artifact.edit(manifest=MANIFEST)


def test_children_are_listed(named: Named):
    gallery = named("gallery")
    gallery.create(manifest={"name": "Gallery"}, type="collection")
    for number, alias in enumerate(("one", "two", "three")):
        named(alias).create(manifest={"name": f"Bird {alias}", "n": number}, parent_id="gallery")
    named("drafted").create(manifest={"name": "Drafted"}, parent_id="gallery", stage=True)

    def aliases(**options: Any) -> list[str]:
        return [child["alias"] for child in gallery.list_children(**options)]

    assert aliases() == ["one", "two", "three"]
    assert aliases(order_by="manifest.n>", limit=2, silent=True) == ["three", "two"]
    assert aliases(keywords=["bird"], filters={"manifest": {"n": 1}}) == ["two"]
    assert aliases(keywords=["one", "two"], mode="OR", offset=1) == ["two"]
    assert aliases(stage=True) == ["drafted"]


def test_an_artifact_taken_already_is_told_and_can_be_overwritten(named: Named):
    artifact = named("taken")
    artifact.create(manifest=MANIFEST)
    with pytest.raises(Exception, match="already exists"):
        artifact.create(manifest=MANIFEST)
    artifact.create(manifest={"name": "Again"}, overwrite=True)


def test_directories_are_listed(artifact: Any):
    assert artifact.ls() == ["birds.csv", "notes"]
    assert artifact.ls("/") == ["birds.csv", "notes"]
    assert artifact.ls("notes") == artifact.listdir("/notes") == ["a.txt", "deep"]
    assert artifact.ls("missing") == []
    detailed = artifact.ls("notes", detail=True)
    assert [(item["name"], item["type"], item["size"]) for item in detailed] == [
        ("a.txt", "file", 5),
        ("deep", "directory", 0),
    ]


def test_what_is_there_is_described(artifact: Any):
    assert artifact.info("birds.csv")["size"] == len(CSV)
    assert artifact.info("notes")["type"] == "directory"
    assert artifact.info("notes/deep/b.txt")["name"] == "b.txt"
    assert [artifact.isfile(path) for path in ("birds.csv", "notes", "missing")] == [True, False, False]
    assert [artifact.isdir(path) for path in ("birds.csv", "notes", "missing")] == [False, True, False]
    assert [artifact.exists(path) for path in ("birds.csv", "notes", "missing")] == [True, True, False]
    assert artifact.size("notes/a.txt") == 5
    assert artifact.sizes(["birds.csv", "notes/a.txt", "notes"]) == [len(CSV), 5, 0]
    assert datetime.now(UTC) - artifact.modified("birds.csv") < timedelta(hours=1)
    assert artifact.modified("notes") is None
    with pytest.raises(FileNotFoundError):
        artifact.info("missing")


def test_files_are_found_at_any_depth(artifact: Any):
    assert artifact.find("") == ["birds.csv", "notes/a.txt", "notes/deep/b.txt"]
    assert artifact.find("notes", maxdepth=1) == ["notes/a.txt"]
    with_directories = artifact.find("", withdirs=True, detail=True)
    assert {path: item["type"] for path, item in with_directories.items()} == {
        "birds.csv": "file",
        "notes": "directory",
        "notes/a.txt": "file",
        "notes/deep": "directory",
        "notes/deep/b.txt": "file",
    }


def test_files_are_read_whole_and_in_part(artifact: Any):
    assert artifact.read("birds.csv") == CSV
    assert artifact.read("birds.csv", "rb") == CSV.encode()
    assert artifact.read("birds.csv", "rb", 10) == CSV.encode()[:10]
    assert artifact.head("birds.csv", 5) == CSV.encode()[:5]
    assert artifact.head("birds.csv") == CSV.encode()
    assert artifact.cat("notes/a.txt") == "first"
    assert artifact.cat(["notes/a.txt", "notes/deep/b.txt"]) == {"notes/a.txt": "first", "notes/deep/b.txt": "second"}
    assert artifact.cat("notes", recursive=True) == {"notes/a.txt": "first", "notes/deep/b.txt": "second"}
    with pytest.raises(OSError):
        artifact.cat("missing")
    assert artifact.cat("missing", on_error="ignore") is None


def test_files_are_written_truncated_and_touched(artifact: Any):
    artifact.edit(stage=True)
    artifact.write("w.txt", "text with ünicode 魚")
    artifact.write("w.bin", b"\x00\xff", "wb")
    artifact.write("a.txt", "appended", "a")
    artifact.touch("empty.txt")
    artifact.commit()
    assert artifact.read("w.txt") == "text with ünicode 魚"
    assert artifact.read("w.bin", "rb") == b"\x00\xff"
    assert artifact.read("a.txt") == "appended"
    assert artifact.size("empty.txt") == 0
    assert artifact.exists("empty.txt")


def test_files_and_directories_are_copied(artifact: Any):
    artifact.edit(stage=True)
    artifact.copy("birds.csv", "copies/birds.csv")
    artifact.cp("notes/a.txt", "copies/a.txt")
    artifact.copy("notes", "all", recursive=True)
    artifact.commit()
    assert artifact.find("copies") == ["copies/a.txt", "copies/birds.csv"]
    assert artifact.read("copies/birds.csv") == CSV
    assert artifact.cat("all", recursive=True) == {"all/a.txt": "first", "all/deep/b.txt": "second"}
    assert artifact.read("birds.csv") == CSV


def test_files_and_directories_are_removed(artifact: Any):
    artifact.edit(stage=True)
    artifact.rm("birds.csv")
    artifact.rm_file("notes/a.txt")
    with pytest.raises(IsADirectoryError):
        artifact.rm("notes")
    artifact.commit()
    assert artifact.find("") == ["notes/deep/b.txt"]
    artifact.edit(stage=True)
    artifact.rm("notes", recursive=True)
    artifact.commit()
    assert artifact.ls() == []


def test_directories_are_made_and_removed(artifact: Any):
    artifact.edit(stage=True)
    artifact.mkdir("fresh")
    artifact.makedirs("also")
    artifact.commit()
    assert artifact.isdir("fresh")
    assert artifact.isdir("also")
    assert artifact.find("fresh") == []
    artifact.edit(stage=True)
    artifact.rmdir("fresh")
    with pytest.raises(OSError, match="not empty"):
        artifact.rmdir("notes")
    artifact.commit()
    assert not artifact.exists("fresh")


def test_files_and_folders_go_up_and_come_down(artifact: Any, tmp_path: Path):
    folder = tmp_path / "up"
    (folder / "sub").mkdir(parents=True)
    contents = {f"{number}.txt": f"file {number}" for number in range(12)} | {"sub/deep.bin": "deep", "empty": ""}
    for name, text in contents.items():
        (folder / name).write_text(text)
    (tmp_path / "single.txt").write_text("single")
    events: list[Any] = []
    artifact.edit(stage=True)
    artifact.put(str(tmp_path / "single.txt"), "single.txt", callback=events.append)
    artifact.put(str(folder), "folder", recursive=True)
    artifact.commit()
    assert events[-1]["type"] == "success"
    down = tmp_path / "down"
    artifact.get("folder", str(down), recursive=True)
    assert {str(path.relative_to(down)): path.read_text() for path in down.rglob("*") if path.is_file()} == contents
    artifact.get("single.txt", str(tmp_path / "back.txt"))
    assert (tmp_path / "back.txt").read_text() == "single"
    with pytest.raises(OSError):
        artifact.get("missing.txt", str(tmp_path / "never.txt"))


def test_a_large_file_goes_up_in_parts(artifact: Any, tmp_path: Path):
    (tmp_path / "large.bin").write_bytes(LARGE)
    artifact.edit(stage=True)
    parts = {"enable": True, "chunk_size": 5 * 1024 * 1024, "threshold": 1024, "max_parallel_uploads": 2}
    artifact.put(str(tmp_path / "large.bin"), "large.bin", multipart_config=parts)
    artifact.commit()
    assert artifact.size("large.bin") == len(LARGE)
    assert artifact.read("large.bin", "rb") == LARGE


@pytest.mark.parametrize("options", [{"use_proxy": True}, {"use_proxy": False}, {"use_local_url": True}])
async def test_a_url_is_handed_out(server: RunningServer, ada: Person, options: dict[str, bool]):
    settings = {"workspace": ada.workspace, "token": ada.token, "server_url": server.url, **options}
    async with AsyncHyphaArtifact("linked", **settings) as artifact:
        await artifact.create(manifest=MANIFEST, stage=True)
        target = await artifact.get_file_url("a.txt", "wb")
        client = artifact.get_client()
        assert (await client.put(target, content=b"through a link")).status_code == 200
        await artifact.commit()
        source = await artifact.get_file_url("a.txt", "rb")
        if options != {"use_proxy": False}:  # else it may be the store's own
            assert source.startswith(server.url)
        assert (await client.get(source)).content == b"through a link"
        await artifact.aclose()


def test_a_stranger_reads_what_is_public_and_writes_nothing(named: Named, server: RunningServer, ada: Person):
    for alias, config in (("open", {"permissions": {"*": "r"}}), ("closed", None)):
        artifact = named(alias)
        artifact.create(manifest=MANIFEST, stage=True, config=config)
        artifact.write("a.txt", "text")
        artifact.commit()
    open_one = HyphaArtifact(f"{ada.workspace}/open", server_url=server.url)
    assert open_one.cat("a.txt") == "text"
    with pytest.raises(Exception, match="permission"):
        open_one.edit(manifest=MANIFEST, stage=True)
    with pytest.raises(Exception, match="permission"):
        HyphaArtifact(f"{ada.workspace}/closed", server_url=server.url).ls()


def test_every_public_method_was_called():
    called = set(re.findall(r"(?:artifact|gallery|inner)\.(\w+)\(", Path(__file__).read_text()))
    for kind in (HyphaArtifact, AsyncHyphaArtifact):
        public = {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}
        assert public - called == set(), kind.__name__
