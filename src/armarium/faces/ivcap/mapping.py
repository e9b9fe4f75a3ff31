"""Between the words of IVCAP and those of the core."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from armarium.core.contents import Content
from armarium.core.deposits import SECTION
from armarium.core.permissions import rules_of
from armarium.domain.artifact import Artifact
from armarium.domain.aspect import Aspect, artifact_of, artifact_urn
from armarium.domain.errors import Invalid, NotFound
from armarium.domain.identifiers import is_uuid, workspace_uuid
from armarium.domain.policy import BASE_ARTIFACT, OPEN_ARTIFACT, PREFIX
from armarium.domain.principal import ANYONE, LOGGED_IN, Action, expand_grant
from armarium.domain.upload import Resumable
from armarium.faces.ivcap.errors import ASPECT_URN
from armarium.faces.ivcap.schemas import ArtifactRecord, AspectItem, AspectRecord, Link, Status

JSON = "application/json"


def artifact_path(artifact_id: str) -> str:
    return f"/1/artifacts/{artifact_urn(artifact_id)}"


def artifact_id_of(text: str) -> str:
    """The UUID of an artifact, given as its URN or as it is. Raises NotFound for what names none."""
    artifact_id = artifact_of(text) or (text if is_uuid(text) else None)
    if artifact_id is None:
        raise NotFound("artifact", text, f"There is no artifact '{text[:200]}'.")
    return artifact_id


def aspect_id_of(text: str) -> str:
    """The UUID of an aspect, given as its URN or as it is. Raises NotFound for what names none."""
    aspect_id = text.removeprefix(ASPECT_URN)
    if not is_uuid(aspect_id):
        raise NotFound("aspect", text, f"There is no aspect '{text[:200]}'.")
    return aspect_id


def account_urn(workspace: str) -> str:
    return f"urn:ivcap:account:{workspace_uuid(workspace)}"


def user_urn(user_id: str) -> str:
    return f"urn:ivcap:user:{user_id}"


def status_of(artifact: Artifact, upload: Resumable | None) -> Status:
    """How far an artifact has come; a draft of another door waits for its bytes, too."""
    if artifact.versions:
        return "ready"
    if upload is not None:
        return "partial" if upload.offset else "pending"
    return "error" if SECTION in msgspec.json.decode(artifact.config) else "pending"


def described(artifact: Artifact, content: Content | None, upload: Resumable | None) -> dict[str, Any]:
    """The fields of an artifact's record. content: None while there is none."""
    manifest = msgspec.json.decode(artifact.manifest)
    known = manifest.get(SECTION)
    known = known if isinstance(known, Mapping) else {}
    return {
        "id": artifact_urn(artifact.id),
        "status": status_of(artifact, upload),
        "name": _text(manifest.get("name")),
        "mime_type": content.content_type if content else _text(known.get("mime-type")),
        "size": content.size_bytes if content else upload.length if upload else None,
        "created_at": time_text(artifact.created_at * 1_000_000),
        "last_modified_at": time_text(artifact.modified_at * 1_000_000),
        "etag": (content.sha256 or artifact.versions[-1].id) if content else None,
        "policy": policy_of(artifact, known),
        "account": account_urn(artifact.workspace),
        "data_href": f"{artifact_path(artifact.id)}/blob",
        "cache_of": _text(known.get("cache-of")),
    }


def policy_of(artifact: Artifact, known: Mapping[str, Any]) -> str:
    """The policy that says what the artifact's grants say."""
    grants = rules_of(artifact.config).permissions
    if any(Action.READ in expand_grant(grants[key]) for key in (LOGGED_IN, ANYONE) if key in grants):
        return OPEN_ARTIFACT
    given = known.get("policy")
    return given if isinstance(given, str) and given.startswith(PREFIX) and given != OPEN_ARTIFACT else BASE_ARTIFACT


def artifact_record(
    artifact: Artifact, content: Content | None, upload: Resumable | None, base_url: str
) -> ArtifactRecord:
    href = base_url + artifact_path(artifact.id)
    links = [Link("self", JSON, href), Link("data", content.content_type if content else JSON, f"{href}/blob")]
    return ArtifactRecord(**described(artifact, content, upload), links=links)


def _statement(aspect: Aspect) -> dict[str, Any]:
    return {
        "id": ASPECT_URN + aspect.id,
        "entity": aspect.entity,
        "schema": aspect.schema,
        "content_type": JSON,
        "valid_from": time_text(aspect.valid_from),
        "asserter": user_urn(aspect.asserter),
        "policy": aspect.policy,
        "valid_to": time_text(aspect.valid_to) if aspect.valid_to is not None else None,
        "replaces": ASPECT_URN + aspect.replaces if aspect.replaces else None,
    }


def aspect_record(aspect: Aspect, base_url: str) -> AspectRecord:
    return AspectRecord(
        **_statement(aspect),
        content=msgspec.json.decode(aspect.content),
        account=account_urn(aspect.workspace),
        retracter=user_urn(aspect.retracter) if aspect.retracter else None,
        links=[Link("self", JSON, f"{base_url}/1/aspects/{ASPECT_URN}{aspect.id}")],
    )


def aspect_item(aspect: Aspect, *, with_content: bool) -> AspectItem:
    content = msgspec.json.decode(aspect.content) if with_content else None
    return AspectItem(**_statement(aspect), content=content)


def time_text(microseconds: int) -> str:
    """A moment as RFC 3339 writes it, in UTC."""
    moment = dt.datetime.fromtimestamp(microseconds // 1_000_000, dt.UTC)
    return moment.replace(microsecond=microseconds % 1_000_000).isoformat().replace("+00:00", "Z")


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def moment_of(field: str, text: str) -> int | None:
    """Read a moment as microseconds since the epoch; one without a zone is UTC. None for no text. Raises Invalid."""
    if not text:
        return None
    try:
        # A `+` that was not encoded arrives as a space.
        moment = dt.datetime.fromisoformat(text.strip().replace(" 0", "+0") if "T" in text else text.strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        return (moment - _EPOCH) // dt.timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise Invalid(field, f"Invalid {field}: it must be a time such as 2025-01-31T12:00:00Z.") from None


def page_of(text: str) -> str:
    """The cursor in `page`, which may be the whole link it stood in."""
    if "page=" in text:
        query = urlsplit(text).query or text
        return unquote(query.partition("page=")[2].partition("&")[0])
    return text


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
