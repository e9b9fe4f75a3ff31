"""What the version history of one artifact must look like: a model in plain Python, and a walk that compares.

The walk talks to the functions of the artifact manager by name, so the same one runs in process and over the wire.
"""

import itertools
import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

Files = dict[str, bytes]
Call = Callable[..., Any]

_aliases = itertools.count(1)


class RefusedError(Exception):
    """A call was refused; the text is `<ClassName>: <message>`."""


class State:
    """One committed version."""

    def __init__(self, label: str, comment: str, manifest: dict[str, Any], files: Files) -> None:
        self.label = label
        self.comment = comment
        self.manifest = manifest
        self.files = files


class Draft:
    """arrived, pending, removed: staged paths, each in exactly one of them."""

    def __init__(self, is_new: bool, manifest: dict[str, Any]) -> None:
        self.is_new = is_new
        self.manifest = manifest
        self.arrived: Files = {}
        self.pending: set[str] = set()
        self.removed: set[str] = set()

    def forget(self, path: str) -> None:
        self.arrived.pop(path, None)
        self.pending.discard(path)
        self.removed.discard(path)

    def over(self, files: Files) -> Files:
        merged = {**files, **self.arrived}
        return {path: content for path, content in merged.items() if path not in self.removed}


class Model:
    """The history of an artifact. Methods return the pattern of the refusal, or None where all is well."""

    def __init__(self, manifest: dict[str, Any], *, staged: bool) -> None:
        self.manifest = manifest
        self.versions: list[State] = []
        self.draft: Draft | None = None
        if staged:
            self.draft = Draft(True, manifest)
        else:
            self.versions.append(State("v0", "Initial version", manifest, {}))

    @property
    def labels(self) -> list[str]:
        return [version.label for version in self.versions]

    @property
    def latest_files(self) -> Files:
        return self.versions[-1].files if self.versions else {}

    def stage(self, manifest: dict[str, Any] | None, version: str | None) -> str | None:
        if version not in (None, "new", "stage"):
            return "ValueError: Invalid version"
        if self.draft is None:
            self.draft = Draft(version == "new", self.manifest)
        elif version is not None:
            self.draft.is_new = version == "new"
        self.draft.manifest = manifest or self.draft.manifest
        return None

    def edit(self, manifest: dict[str, Any] | None, version: str | None, comment: str | None) -> str | None:
        if version not in (None, "new", "stage", *self.labels):
            return "ValueError: Invalid version"
        if version in self.labels:
            self._edit_named(manifest, version)
            return None
        if self.draft is not None:
            return self._commit(manifest or self.draft.manifest, version == "new" or self.draft.is_new, None, comment)
        as_new = version == "new"
        files = {} if as_new else self.latest_files
        self._write(manifest or self.manifest, files, as_new, None, comment if as_new or not self.versions else None)
        return None

    def _edit_named(self, manifest: dict[str, Any] | None, label: str) -> None:
        state = self.versions[self.labels.index(label)]
        state.manifest = manifest or state.manifest
        if state is self.versions[-1]:
            self.manifest = state.manifest

    def commit(self, label: str | None, comment: str | None) -> str | None:
        if self.draft is None:
            return "AssertionError: .*must be in staging mode to commit"
        return self._commit(self.draft.manifest, self.draft.is_new, label, comment)

    def _commit(self, manifest: dict[str, Any], as_new: bool, label: str | None, comment: str | None) -> str | None:
        assert self.draft is not None
        if self.draft.pending:
            return f"FileNotFoundError: File '{min(self.draft.pending)}' does not exist"
        appends = as_new or not self.versions
        if appends and label in self.labels:
            return f"ValueError: Version '{label}' already exists"
        files = self.draft.over({} if as_new else self.latest_files)
        self._write(manifest, files, as_new, label, comment)
        self.draft = None
        return None

    def _write(
        self, manifest: dict[str, Any], files: Files, as_new: bool, label: str | None, comment: str | None
    ) -> None:
        self.manifest = manifest
        if self.versions and not as_new:
            latest = self.versions[-1]
            latest.manifest, latest.files = manifest, files
            latest.comment = latest.comment if comment is None else comment
            return
        default = "" if self.versions else "Initial version"
        chosen = default if comment is None else comment
        self.versions.append(State(label or self._next_label(), chosen, manifest, files))

    def _next_label(self) -> str:
        return next(f"v{n}" for n in itertools.count(len(self.versions)) if f"v{n}" not in self.labels)

    def discard(self) -> str | None:
        if self.draft is None:
            return "ValueError: No staged changes to discard"
        self.draft = None
        return None

    def delete(self, version: str | int) -> str | None:
        if version == "stage":
            return "ValueError: Cannot delete staged version"
        index = self._index(version)
        if index is None:
            if isinstance(version, int):
                return f"ValueError: Version index {version} is out of range"
            return f"ValueError: Version '{version}' does not exist"
        was_latest = index == len(self.versions) - 1
        del self.versions[index]
        if was_latest and self.versions:
            self.manifest = self.versions[-1].manifest
        return None

    def _index(self, version: str | int) -> int | None:
        if isinstance(version, int):
            return version if 0 <= version < len(self.versions) else None
        if version == "latest" and self.versions:
            return len(self.versions) - 1
        return self.labels.index(version) if version in self.labels else None

    def add(self, path: str, content: bytes | None) -> str | None:
        """content None: a URL was asked for, and nothing came."""
        if self.draft is None:
            return "must be in staging mode"
        if content is None:
            if path not in self.draft.arrived:
                self.draft.forget(path)
                self.draft.pending.add(path)
            return None
        self.draft.forget(path)
        self.draft.arrived[path] = content
        return None

    def remove(self, path: str) -> str | None:
        if self.draft is None:
            return "AssertionError: .*must be in staging mode"
        self.draft.forget(path)
        if path in self.latest_files:
            self.draft.removed.add(path)
        return None

    def staged_files(self) -> Files:
        """What a reader of the draft sees; without a draft, what is committed."""
        if self.draft is None:
            return self.latest_files
        return self.draft.over({} if self.draft.is_new else self.latest_files)

    def published_files(self) -> Files:
        """What everybody sees; the draft of an artifact that was never committed counts as that."""
        return self.latest_files if self.versions else self.staged_files()


class Seen(NamedTuple):
    """One reader's view."""

    manifest: dict[str, Any]
    files: Files


PATHS = st.sampled_from(["a.txt", "b.txt", "d/a.txt", "d/e/c.txt"])
CONTENTS = st.binary(max_size=12)
MANIFESTS = st.none() | st.builds(lambda n: {"name": f"m{n}"}, st.integers(0, 99))
COMMENTS = st.none() | st.sampled_from(["", "a comment"])
LABELS = st.none() | st.sampled_from(["v0", "v1", "v2", "v5", "r1"])


class HistoryMachine(RuleBasedStateMachine):
    """Random histories of one artifact, each compared with the model after every step.

    call: the artifact manager's functions; raises RefusedError.
    """

    def __init__(self, call: Call) -> None:
        super().__init__()
        self._call = call
        self._model: Model
        self._id = ""

    @initialize(manifest=MANIFESTS.filter(bool), staged=st.booleans())
    def create(self, manifest: dict[str, Any], staged: bool) -> None:
        alias = f"history-{os.getpid()}-{next(_aliases)}"
        self._id = self._call("create", alias=alias, manifest=manifest, type="dataset", stage=staged)["id"]
        self._model = Model(manifest, staged=staged)

    @rule(manifest=MANIFESTS, version=st.sampled_from([None, None, "new", "stage", "v0", "unheard-of"]))
    def stage(self, manifest: dict[str, Any] | None, version: str | None) -> None:
        self._both(self._model.stage(manifest, version), "edit", manifest=manifest, version=version, stage=True)

    @rule(
        manifest=MANIFESTS,
        version=st.sampled_from([None, "new", "stage", "v0", "v1", "r1", "unheard-of"]),
        comment=COMMENTS,
    )
    def edit(self, manifest: dict[str, Any] | None, version: str | None, comment: str | None) -> None:
        self._both(
            self._model.edit(manifest, version, comment), "edit", manifest=manifest, version=version, comment=comment
        )

    @rule(label=LABELS, comment=COMMENTS)
    def commit(self, label: str | None, comment: str | None) -> None:
        self._both(self._model.commit(label, comment), "commit", version=label, comment=comment)

    @rule()
    def discard(self) -> None:
        self._both(self._model.discard(), "discard")

    @precondition(lambda self: len(self._model.versions) > 1)
    @rule(version=st.sampled_from(["v0", "v1", "r1", "latest", "stage", "unheard-of", 0, 1, 7, -1]))
    def delete_version(self, version: str | int) -> None:
        self._both(self._model.delete(version), "delete", version=version)

    @rule(path=PATHS, content=CONTENTS)
    def write(self, path: str, content: bytes) -> None:
        refusal = self._model.add(path, content)
        self._both(refusal, "write_file", file_path=path, content=content, format="binary")

    @precondition(lambda self: self._model.draft is not None)
    @rule(path=PATHS)
    def ask_for_a_url(self, path: str) -> None:
        self._both(self._model.add(path, None), "put_file", file_path=path)

    @rule(path=PATHS)
    def remove(self, path: str) -> None:
        self._both(self._model.remove(path), "remove_file", file_path=path)

    def _both(self, expected_refusal: str | None, function: str, **arguments: Any) -> None:
        try:
            self._call(function, artifact_id=self._id, **arguments)
        except RefusedError as error:
            said = str(error)
        else:
            said = None
        expected = said is None if expected_refusal is None else re.search(expected_refusal, said or "")
        assert expected, f"{function}({arguments}): {said}, where the model says {expected_refusal}"

    @invariant()
    def everybody_sees_what_is_committed(self) -> None:
        model = self._model
        shown = self._call("read", artifact_id=self._id, silent=True)
        assert [(v["version"], v["comment"]) for v in shown["versions"]] == [
            (version.label, version.comment) for version in model.versions
        ]
        assert shown["staging"] is None
        assert self._seen() == Seen(model.manifest, model.published_files())
        if model.versions:
            assert shown["file_count"] == len(model.latest_files)

    @invariant()
    def every_version_keeps_its_manifest_and_files(self) -> None:
        for version in self._model.versions:
            assert self._seen(version=version.label) == Seen(version.manifest, version.files)

    @invariant()
    def who_asks_for_the_draft_gets_it(self) -> None:
        draft = self._model.draft
        manifest = draft.manifest if draft else self._model.manifest
        assert self._seen(version="stage") == Seen(manifest, self._model.staged_files())
        status = self._call("get_status", artifact_id=self._id)
        assert status["staged"] is (draft is not None)
        if draft:
            staged = {file["path"]: file.get("_remove", False) for file in status["files"]}
            kept = {*draft.arrived, *draft.pending}
            assert staged == dict.fromkeys(kept, False) | dict.fromkeys(draft.removed, True)

    def _seen(self, **which: Any) -> Seen:
        shown = self._call("read", artifact_id=self._id, silent=True, **which)
        return Seen(dict(shown["manifest"]), {path: self._bytes(path, which) for path in self._paths("", which)})

    def _bytes(self, path: str, which: dict[str, Any]) -> bytes:
        content = self._call("read_file", artifact_id=self._id, file_path=path, format="binary", **which)["content"]
        return bytes(content)

    def _paths(self, directory: str, which: dict[str, Any]) -> list[str]:
        found: list[str] = []
        for entry in self._call("list_files", artifact_id=self._id, dir_path=directory or None, **which):
            path = f"{directory}{entry['name']}"
            found += [path] if entry["type"] == "file" else self._paths(f"{path}/", which)
        return found
