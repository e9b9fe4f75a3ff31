"""Publishing artifacts to a public archive: the latest version, its files and what its manifest says.

    reserve or find the draft  ->  record it  ->  describe and fill it  ->  publish it  ->  record the result

What the archive says is kept in `config.zenodo`, from the first moment there is a draft: whoever tries again after a
failure goes on with the same draft. No transaction is open while the archive is talked to.
"""

import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

import msgspec

from armarium.core.aliases import wants_deposit
from armarium.core.interruptions import again_if_interrupted
from armarium.core.leases import Leases
from armarium.core.lookup import find
from armarium.core.permissions import access_of, require
from armarium.core.placement import Placement
from armarium.core.publishing import audit, publish, secret_context
from armarium.core.values import Values, published_values
from armarium.domain.artifact import Artifact
from armarium.domain.errors import ArmariumError, Invalid, NotFound
from armarium.domain.file import FileEntry
from armarium.domain.identifiers import ArtifactId, check_alias_length
from armarium.domain.manifest import encode_json
from armarium.domain.principal import Action, Principal
from armarium.domain.storage_keys import blob_key
from armarium.ports.archive import Archive, Deposit, Description, PublicFile, Record
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import Catalog, Transaction
from armarium.ports.cipher import Cipher
from armarium.ports.clock import Clock

TOKEN_SECRETS = {"zenodo": "ZENODO_ACCESS_TOKEN", "sandbox_zenodo": "SANDBOX_ZENODO_ACCESS_TOKEN"}
"""The archives one can publish to, and the secret that holds the access token of each."""

_KEPT_IN = "zenodo"
_OURS = "armarium"
_MIN_TOKEN_LENGTH = 8
_UNDER_WAY = "The artifact is being published already."


class Reservation(msgspec.Struct, frozen=True):
    """What a new artifact is made of, after a draft was reserved for it where its alias asks for one."""

    alias: str | None
    values: Values


class Publication:
    """Use cases around public archives. archives: by the names of `TOKEN_SECRETS`."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: Blobs,
        clock: Clock,
        cipher: Cipher,
        placement: Placement,
        archives: Mapping[str, Archive],
        base_url: str,
        leases: Leases,
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._clock = clock
        self._cipher = cipher
        self._placement = placement
        self._archives = archives
        self._base_url = base_url
        self._leases = leases

    async def publish(
        self, principal: Principal, name: str, *, to: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Record:
        """Publish the latest version of an artifact, as a new version where it was published before.

        to: an archive, None for the one in `config.publish_to`. metadata: in the archive's words, wins over ours.
        Returns the archive's record. Raises NotFound, Forbidden, Invalid, Conflict, Refused, Unavailable; after any of
        the last two the next attempt goes on where this one ended.
        """
        found = await find(self._catalog, principal, name)
        artifact = found.artifact
        require(principal, Action.PUBLISH, access_of(found))
        config = msgspec.json.decode(artifact.config)
        target = _target(to or config.get("publish_to"))
        description = self._description(principal, artifact, metadata)
        _require_committed(artifact)
        token = await self._token(target, [artifact.id, artifact.parent_id])
        async with self._leases.hold(f"publish {artifact.id}", refusal=_UNDER_WAY):
            entries = await self._catalog.list_files(artifact.versions[-1].id)
            done = await self._through(principal, artifact, target, token, description, entries)
            # It is public now: that the artifact was deleted meanwhile must not hide the record from its owner.
            with contextlib.suppress(NotFound):
                await self._keep(principal, artifact.id, done.record, "publish", f"{target} {done.id}")
        return done.record

    async def _through(
        self,
        principal: Principal,
        artifact: Artifact,
        target: str,
        token: str,
        description: Description,
        entries: list[FileEntry],
    ) -> Deposit:
        archive = self._archives[target]
        known = _known(msgspec.json.decode(artifact.config))
        mark = _mark(description, entries)
        draft = await _open_draft(archive, token, known, mark)
        if draft.is_published:
            return draft
        note = {**draft.record, _OURS: {"mark": mark, "replaces": _replaced(known, draft)}}
        await self._keep(principal, artifact.id, note, "reserve", f"{target} {draft.id}")
        files = [
            PublicFile(path=entry.path, size_bytes=entry.size_bytes, read=partial(self._blobs.open, key))
            for entry in entries
            for key in (blob_key(entry.blob_id),)
        ]
        await archive.fill(token, draft, description, files)
        return await archive.publish(token, draft)

    @contextlib.asynccontextmanager
    async def reserved(
        self,
        principal: Principal,
        alias: str | None,
        values: Values,
        *,
        parent: str | None,
        workspace: str | None,
        secrets: Mapping[str, str] | None,
        stage: bool,
    ) -> AsyncIterator[Reservation]:
        """Reserve a draft where an alias is to hold its number; it is discarded when the block fails.

        The access token is among the secrets given, or the parent's. Raises as `publish` does.
        """
        if alias is None or not wants_deposit(alias):
            yield Reservation(alias, values)
            return
        check_alias_length(alias)
        target = _target(msgspec.json.decode(values.config).get("publish_to"), needed_by=alias)
        place = await self._placement.find(self._catalog, principal, parent=parent, workspace=workspace, stage=stage)
        given = (secrets or {}).get(TOKEN_SECRETS[target])
        token = _checked_token(given) if given else await self._token(target, [place.parent_id])
        archive = self._archives[target]
        deposit = await archive.reserve(token)
        try:
            filled = alias.replace("{zenodo_id}", deposit.id).replace("{zenodo_conceptrecid}", deposit.concept_id)
            yield Reservation(filled, _with_record(values, deposit.record))
        except BaseException:
            with contextlib.suppress(ArmariumError):
                await archive.discard(token, deposit)
            raise

    def _description(self, principal: Principal, artifact: Artifact, metadata: Mapping[str, Any] | None) -> Description:
        manifest = msgspec.json.decode(artifact.manifest)
        for field in ("name", "description"):
            if not isinstance(manifest.get(field), str) or not manifest[field].strip():
                raise Invalid("manifest", f"To be published, the manifest must have a {field}.")
        return Description(
            title=manifest["name"],
            text=manifest["description"],
            type=artifact.type,
            creators=tuple(_names(manifest.get("authors"))) or (principal.effective_id,),
            license=_text(manifest.get("license")),
            keywords=tuple(_names(manifest.get("tags"))),
            notes=f"Published from {self._base_url}/{artifact.workspace}/artifacts/{artifact.alias}",
            more=metadata or {},
        )

    async def _token(self, target: str, owners: list[ArtifactId | None]) -> str:
        """The access token for an archive: the artifact's own, else its parent's."""
        key = TOKEN_SECRETS[target]
        for owner in owners:
            if owner is None:
                continue
            sealed = (await self._catalog.secrets_of(owner)).get(key)
            if sealed is not None:
                return _checked_token(self._cipher.open(sealed, context=secret_context(owner, key)))
        raise Invalid("secrets", f"Zenodo access token is not configured: set the secret '{key}'.")

    @again_if_interrupted
    async def _keep(
        self, principal: Principal, artifact_id: ArtifactId, record: Record, action: str, detail: str
    ) -> None:
        """Write what the archive says into the config, and into that of an open draft, which would replace it."""
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, artifact_id)
            values = _with_record(published_values(found.artifact), record)
            await publish(tx, found.artifact, values, now=self._clock.now())
            await _keep_in_draft(tx, artifact_id, record)
            await audit(tx, self._clock, principal, found.artifact, action, detail)


async def _open_draft(archive: Archive, token: str, known: Mapping[str, Any], mark: str) -> Deposit:
    """Return the draft to fill, or the published deposit where only our record of it was lost."""
    ours = _ours(known)
    deposit = await archive.find(token, known) if known else None
    if deposit is None and ours.get("replaces"):
        deposit = await archive.find(token, {"id": ours["replaces"]})
    if deposit is None:
        return await archive.reserve(token)
    if not deposit.is_published or ours.get("mark") == mark:
        return deposit
    return await archive.draft_of_next_version(token, deposit) or await archive.reserve(token)


async def _keep_in_draft(tx: Transaction, artifact_id: ArtifactId, record: Record) -> None:
    draft = await tx.find_draft(artifact_id)
    if draft is not None:
        values = Values(manifest=draft.manifest, config=draft.config, type=draft.type)
        await tx.put_draft(_with_record(values, record).as_draft(artifact_id, draft.intent))


def _with_record(values: Values, record: Record) -> Values:
    # The archive repeats all files in it, which may be thousands; ours is the better list.
    kept = {key: value for key, value in record.items() if key != "files"}
    config = {**msgspec.json.decode(values.config), _KEPT_IN: kept}
    return msgspec.structs.replace(values, config=encode_json("config", config))


def _known(config: Mapping[str, Any]) -> Mapping[str, Any]:
    known = config.get(_KEPT_IN)
    return known if isinstance(known, Mapping) else {}


def _ours(known: Mapping[str, Any]) -> Mapping[str, Any]:
    """What we noted beside a draft's record; a published record has no such note."""
    ours = known.get(_OURS)
    return ours if isinstance(ours, Mapping) else {}


def _replaced(known: Mapping[str, Any], draft: Deposit) -> str | None:
    """The number of the published deposit that a draft is the next version of."""
    before = _ours(known).get("replaces") or known.get("id")
    return str(before) if before is not None and str(before) != draft.id else None


def _mark(description: Description, entries: list[FileEntry]) -> str:
    """A digest of all that is published: equal marks, equal deposits."""
    files = [(entry.path, entry.blob_id) for entry in entries]
    return hashlib.sha256(msgspec.json.encode((description, files))).hexdigest()


def _target(wanted: object, *, needed_by: str | None = None) -> str:
    if not wanted and needed_by is not None:
        raise Invalid(
            "alias",
            "A Zenodo placeholder in the alias needs config.publish_to: 'zenodo' or 'sandbox_zenodo'.",
        )
    if not isinstance(wanted, str) or wanted not in TOKEN_SECRETS:
        known = " or ".join(f"'{name}'" for name in TOKEN_SECRETS)
        raise Invalid("to", f"Publishing to '{wanted}' is not supported: use {known}.")
    return wanted


def _require_committed(artifact: Artifact) -> None:
    if not artifact.versions:
        raise Invalid("version", "The artifact must be committed before it can be published.")
    if artifact.intent is not None:
        raise Invalid("version", "The artifact has staged changes: commit or discard them before it is published.")


def _checked_token(token: str) -> str:
    token = token.strip()
    if len(token) < _MIN_TOKEN_LENGTH or not token.isascii() or not token.isprintable() or " " in token:
        raise Invalid("secrets", "Zenodo access token is not configured: what is stored is no access token.")
    return token


def _names(values: object) -> list[str]:
    """The texts of a list, where an item may also be an object with a name."""
    items = values if isinstance(values, list) else []
    texts = [item.get("name") if isinstance(item, Mapping) else item for item in items]
    return [text.strip() for text in texts if isinstance(text, str) and text.strip()]


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
