"""The functions of the artifact manager that answer with several artifacts."""

from typing import Any

from armarium.core import Core
from armarium.faces.hypha.asked import Asked
from armarium.faces.hypha.identity import Session
from armarium.faces.hypha.listing import answer_listing
from armarium.faces.hypha.mapping import artifact_map
from armarium.faces.hypha.services import AsyncFunction

Listed = list[dict[str, Any]] | dict[str, Any]


class ListingFunctions:
    """Translates, calls the core once and translates back."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def calls(self) -> dict[str, AsyncFunction]:
        return {"list": self.list_artifacts, "search": self.search}

    async def list_artifacts(
        self,
        session: Session,
        parent_id: str | None = None,
        keywords: list[str] | str | None = None,
        filters: dict[str, Any] | None = None,
        mode: str = "AND",
        offset: int = 0,
        limit: int = 100,
        order_by: str | None = None,
        silent: bool = False,
        pagination: bool = False,
        stage: bool | str | None = False,
        artifact_id: str | None = None,
        facets: list[str] | None = None,
        explain: bool = False,
        query: str | None = None,
        cursor: str | None = None,
    ) -> Listed:
        """List the children of a collection, or without one the root artifacts of the workspace; counts a view."""
        asked = Asked(
            keywords,
            filters,
            mode,
            offset,
            limit,
            order_by,
            stage,
            bool(pagination),
            bool(silent),
            facets,
            bool(explain),
            query,
            cursor,
        )
        parent = artifact_id if parent_id is None else parent_id
        return await answer_listing(self._core, session.caller, parent, asked, roots_only=True, describe=artifact_map)

    async def search(
        self,
        session: Session,
        parent_id: str | None = None,
        keywords: list[str] | str | None = None,
        filters: dict[str, Any] | None = None,
        mode: str = "AND",
        offset: int = 0,
        limit: int = 100,
        order_by: str | None = None,
        pagination: bool = False,
        stage: bool | str | None = False,
        facets: list[str] | None = None,
        explain: bool = False,
        query: str | None = None,
        cursor: str | None = None,
    ) -> Listed:
        """Search a collection, or without one all artifacts of the workspace at any depth."""
        asked = Asked(
            keywords,
            filters,
            mode,
            offset,
            limit,
            order_by,
            stage,
            bool(pagination),
            True,
            facets,
            bool(explain),
            query,
            cursor,
        )
        return await answer_listing(self._core, session.caller, parent_id, asked, describe=artifact_map)
