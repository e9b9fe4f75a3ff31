"""What we say to Zenodo and what it says to us, as values. Source: the deposit API of https://developers.zenodo.org"""

from collections.abc import Mapping
from typing import Any

from armarium.ports.archive import Deposit, Description

DEFAULT_LICENSE = "cc-by"


def metadata_of(description: Description) -> dict[str, Any]:
    """Describe a deposit in Zenodo's metadata; what `description.more` names wins."""
    metadata: dict[str, Any] = {
        "title": description.title,
        "upload_type": "dataset" if description.type == "dataset" else "other",
        "description": description.text,
        "creators": [{"name": name} for name in description.creators],
        "access_right": "open",
        "license": description.license or DEFAULT_LICENSE,
    }
    if description.keywords:
        metadata["keywords"] = list(description.keywords)
    if description.notes:
        metadata["notes"] = description.notes
    return metadata | dict(description.more)


def deposit_of(record: Mapping[str, Any]) -> Deposit | None:
    """Read a deposition; None for what is none. Ids are numbers, so that they can stand in a URL."""
    number = number_of(record.get("id"))
    if number is None:
        return None
    return Deposit(
        id=number,
        concept_id=number_of(record.get("conceptrecid")) or number,
        is_published=record.get("submitted") is True or record.get("state") == "done",
        record=record,
    )


def number_of(value: object) -> str | None:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isdigit() and len(text) <= 20 else None


def link_in(record: Mapping[str, Any], name: str) -> str | None:
    links = record.get("links")
    link = links.get(name) if isinstance(links, Mapping) else None
    return link if isinstance(link, str) else None


def md5_in(value: object) -> str | None:
    """A checksum with or without its `md5:`."""
    text = value.removeprefix("md5:").lower() if isinstance(value, str) else ""
    return text if len(text) == 32 else None


def reasons_in(answer: object, status: int) -> str:
    """What an error answer says, in one line: its message, and each field at fault."""
    if not isinstance(answer, Mapping):
        return f"status {status}"
    errors = answer.get("errors")
    told = [error for error in errors if isinstance(error, Mapping)] if isinstance(errors, list) else []
    fields = [f"{error.get('field', '')}: {error.get('message') or error.get('messages', '')}" for error in told]
    return "; ".join([str(answer.get("message") or f"status {status}"), *fields])[:500]
