"""What both clients make of the arguments of a call, before anything is sent."""

import os
from typing import Any

from armarium.sdk.ivcap.environment import Folder, where_to
from armarium.sdk.ivcap.errors import MissingParameterValue
from armarium.sdk.ivcap.listing import Walk
from armarium.sdk.ivcap.local import LocalPlatform
from armarium.sdk.ivcap.platform import ArtifactQuery, AspectQuery, Page, Platform, Record
from armarium.sdk.ivcap.remote import RemotePlatform
from armarium.sdk.ivcap.uploads import check_policy


def platform_for(url: str | None, token: str | None, account_id: str | None) -> Platform:
    """The service or the folder that arguments and environment name; nothing is sent, nothing is made."""
    place = where_to(url, token, account_id, os.environ)
    return LocalPlatform(place.path) if isinstance(place, Folder) else RemotePlatform(place)


def statement(entity: str, aspect: Any, schema: str | None, policy: str | None) -> tuple[str, Record]:
    """The schema and the body of an aspect. aspect: a dictionary, or something with `to_dict()`.

    Raises MissingParameterValue when nothing names a schema.
    """
    check_policy(policy)
    content = aspect if isinstance(aspect, dict) else aspect.to_dict()
    schema = schema or content.get("$schema")
    if not schema:
        raise MissingParameterValue("schema")
    return schema, {"$schema": schema, "$entity": entity} | content


def new_aspect(id: str, entity: str, schema: str, content: Record) -> Record:
    """What is known of an aspect that was just written."""
    return {"id": id, "entity": entity, "schema": schema, "content": content, "content-type": "application/json"}


def new_secret(name: str, value: str, expiry: int, type: str | None) -> Record:
    secret = {"secret-name": name, "secret-value": value, "expiry-time": expiry}
    return secret if type is None else secret | {"secret-type": type}


def artifact_walk(platform: Platform, query: ArtifactQuery, limit: int | None) -> Walk:
    async def fetch(size: int, page: str | None) -> Page:
        return await platform.artifacts(query, size, page)

    return Walk(fetch, limit)


def aspect_walk(platform: Platform, query: AspectQuery, limit: int | None) -> Walk:
    async def fetch(size: int, page: str | None) -> Page:
        return await platform.aspects(query, size, page)

    return Walk(fetch, limit)


def secret_walk(platform: Platform, filter: str | None, limit: int | None) -> Walk:
    async def fetch(size: int, page: str | None) -> Page:
        return await platform.secrets(filter, size, page)

    return Walk(fetch, limit)
