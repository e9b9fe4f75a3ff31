"""Documents made from other documents: what they are made from, and what into."""

import enum

import msgspec

from armarium.domain.identifiers import ArtifactId, VersionId


class TextFormat(enum.StrEnum):
    """How a text that a document is made from is written."""

    MARKDOWN = "markdown"
    HTML = "html"
    CSV = "csv"
    JSON = "json"
    TEXT = "text"


class Target(enum.StrEnum):
    """What a document is made into."""

    PDF = "pdf"
    DOCX = "docx"
    HTML = "html"
    MARKDOWN = "markdown"

    @property
    def media_type(self) -> str:
        return _TARGETS[self][0]

    @property
    def extension(self) -> str:
        return _TARGETS[self][1]


_TARGETS = {
    Target.PDF: ("application/pdf", ".pdf"),
    Target.DOCX: ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
    Target.HTML: ("text/html; charset=utf-8", ".html"),
    Target.MARKDOWN: ("text/markdown; charset=utf-8", ".md"),
}

_FORMATS = {
    "text/markdown": TextFormat.MARKDOWN,
    "text/x-markdown": TextFormat.MARKDOWN,
    "text/html": TextFormat.HTML,
    "application/xhtml+xml": TextFormat.HTML,
    "text/csv": TextFormat.CSV,
    "application/json": TextFormat.JSON,
    "text/plain": TextFormat.TEXT,
}


def text_format_of(media_type: str) -> TextFormat | None:
    """The format of a file of a media type; None for one no document can be made from."""
    return _FORMATS.get(media_type.partition(";")[0].strip().lower())


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A text with a title."""

    title: str
    text: str
    format: TextFormat


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A committed file a document is made from, as it was when it was asked for."""

    artifact_id: ArtifactId
    version_id: VersionId
    path: str
    title: str
    format: TextFormat


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How to make a document: written anew from sources as `kind` says, or one text turned into another format.

    kind: `summary`, `transcript`, `report`, or None to convert. instructions: for whoever writes.
    file_name: what the result is called.
    """

    title: str
    target: Target
    file_name: str
    kind: str | None = None
    text: Passage | None = None
    sources: tuple[Source, ...] = ()
    instructions: str = ""
