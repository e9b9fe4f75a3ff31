"""What the page of ours about an artifact shows: its files, and of a collection the children."""

import msgspec

from armarium.core.files import Directory, Files
from armarium.core.permissions import rules_of
from armarium.core.search import Listing, More, Search
from armarium.domain.artifact import COLLECTION_TYPES, View
from armarium.domain.principal import Principal
from armarium.domain.query import AllOf, Field, Keyword, Order, Query
from armarium.domain.version import Selector

PAGE_SIZE = 24
MOST_FILES = 500
_MOST_WORDS = 8

ORDERS = {
    "newest": Order(Field("artifact", "modified_at"), descending=True),
    "name": Order(Field("manifest", "name")),
    "views": Order(Field("artifact", "view_count"), descending=True),
    "downloads": Order(Field("artifact", "download_count"), descending=True),
}
"""How children can be sorted, by the name of the order; the first is the default."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a visitor looks for. page: from 1. directory: of the files shown."""

    words: str = ""
    order: str = "newest"
    page: int = 1
    directory: str = ""
    version: Selector = None
    stage: bool = False


class Showcase(msgspec.Struct, frozen=True, kw_only=True):
    """One artifact, ready to be shown. children: None for what is no collection. has_more_files: some were left out."""

    view: View
    asked: Asked
    directory: Directory
    has_more_files: bool
    children: Listing | None
    page_count: int


class Showcases:
    """Collects what a visitor may see."""

    def __init__(self, search: Search, files: Files) -> None:
        self._search = search
        self._files = files

    async def collect(self, principal: Principal, view: View, asked: Asked) -> Showcase:
        """Return what the page about an artifact shows to a visitor. Raises Forbidden, Invalid."""
        artifact = view.artifact
        directory = await self._files.list(
            principal,
            artifact.id,
            asked.directory,
            version=asked.version,
            stage=asked.stage,
            limit=MOST_FILES + 1,
        )
        children = None
        if artifact.type in COLLECTION_TYPES or rules_of(artifact.config).is_collection:
            children = await self._search.children(principal, artifact.id, _query(asked), more=More(total=True))
        total = (children.total or 0) if children else 0
        return Showcase(
            view=view,
            asked=asked,
            directory=msgspec.structs.replace(directory, files=directory.files[:MOST_FILES]),
            has_more_files=len(directory.files) > MOST_FILES,
            children=children,
            page_count=max(1, -(-total // PAGE_SIZE)),
        )


def _query(asked: Asked) -> Query:
    words = asked.words.split()[:_MOST_WORDS]
    return Query(
        where=AllOf(tuple(Keyword(word) for word in words)),
        order=ORDERS.get(asked.order, ORDERS["newest"]),
        offset=(asked.page - 1) * PAGE_SIZE,
        limit=PAGE_SIZE,
    )
