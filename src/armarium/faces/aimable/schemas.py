"""What goes over this wire. Source: docs/reference/aimable.md."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Label = Annotated[str, Meta(max_length=255)]
Kind = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
MediaType = Annotated[str, Meta(max_length=255, pattern=r"^[\w!#$&^.+-]+/[\w!#$&^.+-]+(\s*;.*)?$")]
Limit = Annotated[int, Meta(ge=1, le=200)]
StatusName = Literal["pending", "processing", "completed", "failed", "cancelled"]
FormatName = Literal["pdf", "docx", "html", "markdown"]
TextFormatName = Literal["markdown", "html", "csv", "json", "text"]
Text = Annotated[str, Meta(max_length=100_000)]


class Health(Struct, frozen=True):
    status: str
    message: str


class Me(Struct, frozen=True):
    """Who a credential stands for."""

    id: str
    email: str | None
    name: str
    created_at: str | None


class Settings(Struct, frozen=True, kw_only=True):
    """What is kept of a space without having an effect here."""

    avatar_url: Text | None = None
    avatar_key: Text | None = None
    template_key: Text | None = None
    enabled_tools: list[str] | None = None
    system_prompt_template: Text | None = None
    knowledge_search_guidelines: Text | None = None
    apply_pii_pseudonymization: bool = False
    apply_oii_pseudonymization: bool = True
    apply_pii_to_knowledge_search: bool = True
    include_full_file_content: bool = False
    fast_pdf_extraction: bool = False


class NewSpace(Settings, frozen=True, kw_only=True):
    name: Name
    description: Text | None = None


class SpaceChanges(Struct, frozen=True, kw_only=True):
    """What is given changes; null clears."""

    name: Name | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    avatar_url: Text | UnsetType | None = UNSET
    avatar_key: Text | UnsetType | None = UNSET
    template_key: Text | UnsetType | None = UNSET
    enabled_tools: list[str] | UnsetType | None = UNSET
    system_prompt_template: Text | UnsetType | None = UNSET
    knowledge_search_guidelines: Text | UnsetType | None = UNSET
    apply_pii_pseudonymization: bool | UnsetType | None = UNSET
    apply_oii_pseudonymization: bool | UnsetType | None = UNSET
    apply_pii_to_knowledge_search: bool | UnsetType | None = UNSET
    include_full_file_content: bool | UnsetType | None = UNSET
    fast_pdf_extraction: bool | UnsetType | None = UNSET


class Space(Settings, frozen=True, kw_only=True):
    space_id: str
    name: str
    description: str | None
    created_at: str
    updated_at: str
    artifact_count: int


class SpacesQuery(Struct, frozen=True, kw_only=True):
    """limit: pages the list, which is whole without it."""

    limit: Limit | None = None
    cursor: str | None = None


class DeleteQuery(Struct, frozen=True, kw_only=True):
    force: bool = False


class ArtifactsQuery(Struct, frozen=True, kw_only=True):
    """Each filter may be repeated or hold a list separated by commas: any of them; filters combine with and."""

    thread_id: list[Label] = []
    document_type: list[str] = []
    status: list[str] = []
    cursor: str | None = None
    limit: Limit = 50


class PageQuery(Struct, frozen=True, kw_only=True):
    cursor: str | None = None
    limit: Limit = 50


class ContentQuery(Struct, frozen=True, kw_only=True):
    file_name: Name | None = None


class Generate(Struct, frozen=True, kw_only=True):
    """A new artifact: its bytes in `content`, or what it is to be made from and `format`.

    type, document_type: the same, either may be given. content_encoding: how `content` is written.
    source: a text to make the document from, written in `source_format`. source_artifact_id, source_artifact_ids:
    artifacts of the space to make it from. A `summary`, `transcript` or `report` is written anew from its sources.
    """

    name: Name
    type: Kind | None = None
    document_type: Kind | None = None
    content: str | None = None
    content_encoding: Literal["base64", "utf-8"] = "base64"
    mime_type: MediaType | None = None
    file_name: Name | None = None
    thread_id: Label | None = None
    metadata: dict[str, Any] | None = None
    format: FormatName | None = None
    source: str | None = None
    source_format: TextFormatName | None = None
    source_artifact_id: UUID | None = None
    source_artifact_ids: list[UUID] = []
    instructions: Text | None = None


class Error(Struct, frozen=True):
    code: str
    message: str


class Artifact(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """size: in bytes. download_url: a path, once there is something to download. job_id: of the job that makes it."""

    id: str
    artifact_id: str
    space_id: str
    name: str | None
    type: str
    document_type: str
    status: StatusName
    thread_id: str | None
    mime_type: str | None
    file_name: str | None
    size: int | None
    sha256: str | None
    error: Error | None
    metadata: dict[str, Any]
    download_url: str | None
    created_at: str
    updated_at: str
    job_id: str | UnsetType = UNSET


class Job(Struct, frozen=True, kw_only=True):
    """progress: 0 to 100."""

    id: str
    job_id: str
    artifact_id: str | None
    space_id: str
    type: str
    status: StatusName
    progress: int
    error: Error | None
    attempt: int
    created_at: str
    started_at: str | None
    finished_at: str | None
    updated_at: str


class Paging(Struct, frozen=True):
    next_cursor: str | None
    has_more: bool
    limit: int


class Artifacts(Struct, frozen=True):
    data: list[Artifact]
    cursor: str | None
    meta: Paging


class Jobs(Struct, frozen=True):
    data: list[Job]
    cursor: str | None
    meta: Paging
