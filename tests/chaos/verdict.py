"""What a store holds after a storm, against what everybody was told. Reads the data with no server running."""

from collections import Counter
from typing import Any

import msgspec

from armarium.core import Core
from armarium.domain.principal import Principal, Role
from armarium.domain.storage_keys import blob_key
from tests.chaos.clients import BOXES, COLLECTIONS, LOGS
from tests.chaos.history import History

ADMIN = Principal(id="admin", grants={"ws-user-admin": Role.ADMIN}, current_workspace="ws-user-admin")
_FLUSHED_SECONDS = 3.0
"""A process that lived so much longer has written the views it had counted; it does so every second."""
_PAGE = 1000


async def complaints(core: Core, history: History) -> list[str]:
    """Everything that is not as it was promised; empty where all is well."""
    found = [*history.wrong]
    found += await _children(core, history)
    found += await _races(core, history)
    for box in BOXES:
        found += await _box(core, history, box)
    for log in LOGS:
        found += await _log(core, history, log)
    for name in (*LOGS, *COLLECTIONS):
        found += await _views(core, history, name)
    found += await _store(core)
    return found


async def _children(core: Core, history: History) -> list[str]:
    listed: dict[str, Any] = {}
    for collection in COLLECTIONS:
        ids = await core.catalog.child_ids((await _read(core, collection)).id)
        for child_id in ids:
            artifact = await _read(core, child_id)
            listed[artifact.alias] = msgspec.json.decode(artifact.manifest)
        if len(set(ids)) != len(ids):
            return [f"{collection} lists a child twice"]
    lost = [alias for alias, manifest in history.created.items() if listed.get(alias) != manifest]
    back = [alias for alias in history.deleted if alias in listed]
    strange = listed.keys() - history.created.keys() - history.maybe_created
    return [
        *(f"created and lost: {alias}" for alias in lost),
        *(f"deleted and back: {alias}" for alias in back),
        *(f"there and never acknowledged nor in doubt: {alias}" for alias in strange),
    ]


async def _races(core: Core, history: History) -> list[str]:
    found = []
    for alias, winners in history.races.items():
        manifest = msgspec.json.decode((await _read(core, alias)).manifest)
        if len(winners) != 1 or manifest["name"] != winners[0]:
            found.append(f"{alias} was given to {winners} and belongs to {manifest['name']}")
    return found


async def _box(core: Core, history: History, box: str) -> list[str]:
    """Labels are unique, every acknowledged one is there, and every acknowledged file is in a version or the draft."""
    artifact = await _read(core, box)
    labels = [version.label for version in artifact.versions]
    found = [f"{box} has the label {label} {n} times" for label, n in Counter(labels).items() if n > 1]
    twice = [label for label, n in Counter(history.labels[box]).items() if n > 1]
    found += [f"{box}: two commits were told they made {label}" for label in twice]
    found += [f"{box} lost version {label}" for label in history.labels[box] if label not in labels]
    blobs = {}
    for version in artifact.versions:
        entries = await core.catalog.list_files(version.id)
        if (len(entries), sum(e.size_bytes for e in entries)) != (version.file_count, version.size_bytes):
            found.append(f"{box} {version.label}: the totals are not those of its files")
        blobs |= {entry.path: entry.blob_id for entry in entries}
    staged = (await core.catalog.staged_files([artifact.id])).get(artifact.id, ())
    blobs |= {file.path: file.blob_id for file in staged if file.blob_id}
    for _, path, content in (sent for sent in history.sent if sent.artifact == box):
        if path not in blobs:
            found.append(f"{box} lost {path}")
        elif await _bytes(core, blobs[path]) != content:
            found.append(f"{box}: {path} has other bytes")
    doubtful = {path for name, path in history.maybe_sent if name == box}
    return found + [f"{box}: {path} was never sent" for path in blobs.keys() - doubtful]


async def _log(core: Core, history: History, log: str) -> list[str]:
    """Every acknowledged edit is one version, one in doubt at most one, and nothing else is there."""
    versions = (await _read(core, log)).versions
    comments = Counter(version.comment for version in versions[1:])
    labels = Counter(version.label for version in versions)
    positions = [version.position for version in versions]
    found = [f"{log} has the label {label} {n} times" for label, n in labels.items() if n > 1]
    if positions != sorted(set(positions)):
        found.append(f"{log}: positions are {positions}")
    found += [f"{log} lost {comment}" for comment in history.edits[log] if not comments[comment]]
    found += [f"{log} has {comment} {n} times" for comment, n in comments.items() if n > 1]
    return found + [f"{log}: nobody made {comment}" for comment in comments.keys() - history.maybe_edits[log]]


async def _views(core: Core, history: History, name: str) -> list[str]:
    """A killed process may lose what it counted in its last moment, and not more; nothing is counted twice."""
    artifact = await _read(core, name)
    lasting = [
        view
        for view in history.views
        if view.artifact == name and view.at < history.last_answer[view.process] - _FLUSHED_SECONDS
    ]
    if not len(lasting) <= artifact.view_count <= history.attempted_views[name]:
        attempted = history.attempted_views[name]
        return [f"{name} counts {artifact.view_count} views, of at least {len(lasting)} and at most {attempted}"]
    return []


async def _store(core: Core) -> list[str]:
    report = await core.check.run(read_data=True)
    return [f"{problem.reason}: {problem.uses}" for problem in report.problems]


async def _read(core: Core, name: str) -> Any:
    return (await core.artifacts.read(ADMIN, name, silent=True)).artifact


async def _bytes(core: Core, blob_id: Any) -> bytes:
    return await core.blobs.read(blob_key(blob_id))
