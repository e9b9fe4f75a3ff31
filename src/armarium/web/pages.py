"""The pages of ours: an artifact with its files, a collection as a gallery. They work without scripts."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import jinja2
import msgspec

from armarium.core.showcase import MOST_FILES, ORDERS, Showcase
from armarium.web.cards import Addresses, card_of, list_of_texts, text_of, web_link
from armarium.web.words import count, date, size

_TEMPLATES = Path(__file__).parent / "templates"
_HEADINGS = {401: "Who are you?", 403: "This is not open to you", 404: "There is nothing here", 503: "Not just now"}


class Pages:
    """Draws what core collected. base_url: under which the server is reached; its path is put before ours."""

    def __init__(self, base_url: str) -> None:
        self._prefix = urlsplit(base_url).path.rstrip("/")
        self._base_url = base_url
        self._style = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        # Our own policy: no script, no font, no frame; pictures and forms of this server only.
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'self'"
        )
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        self._templates.filters.update(size=size, date=date, count=count)

    def draw_welcome(self, version: str, doors: Mapping[str, str]) -> tuple[str, str]:
        """Return the page at the root of the server. doors: the address each one's clients are given."""
        return self._render("welcome.html", title="armarium", version=version, doors=doors, prefix=self._prefix)

    def draw_refusal(self, status: int, reason: str) -> tuple[str, str]:
        """Return the page of a visitor who cannot be shown what was asked for."""
        return self._render(
            "refusal.html", title=_HEADINGS.get(status, "That did not work"), status=status, reason=reason
        )

    def draw(self, showcase: Showcase) -> tuple[str, str]:
        """Return a page and the policy it is sent with."""
        artifact = showcase.view.artifact
        manifest = msgspec.json.decode(artifact.manifest)
        addresses = Addresses(self._prefix, artifact.workspace, self._base_url)
        name = "artifact.html" if showcase.children is None else "collection.html"
        return self._render(
            name,
            artifact=artifact,
            title=text_of(manifest.get("name")) or artifact.alias,
            description=text_of(manifest.get("description")),
            tags=list_of_texts(manifest.get("tags")),
            authors=_authors(manifest.get("authors")),
            license=text_of(manifest.get("license")),
            links=[link for text in list_of_texts(manifest.get("links")) if (link := web_link(text))],
            manifest=msgspec.json.format(artifact.manifest, indent=2).decode(),
            card=card_of(artifact, addresses),
            cards=_cards(showcase, addresses),
            total=(showcase.children.total or 0) if showcase.children else 0,
            asked=showcase.asked,
            orders=list(ORDERS),
            page_count=showcase.page_count,
            page_link=lambda number: _query(showcase, page=number),
            directory_link=lambda path: _query(showcase, directory=path),
            version_link=lambda label: f"?{urlencode({'builtin': 'true', 'version': label})}",
            file_query=_file_query(showcase),
            crumbs=_crumbs(showcase.directory.prefix),
            directory=showcase.directory,
            has_more_files=showcase.has_more_files,
            most_files=MOST_FILES,
            addresses=addresses,
            shown_version=next((each for each in artifact.versions if each.label == showcase.asked.version), None),
        )

    def _render(self, name: str, **values: object) -> tuple[str, str]:
        return self._templates.get_template(name).render(style=self._style, **values), self._policy


def _cards(showcase: Showcase, addresses: Addresses) -> list[object]:
    if showcase.children is None:
        return []
    fields = showcase.children.list_fields
    shows_manifest = not fields or "manifest" in fields
    return [card_of(view.artifact, addresses, shows_manifest=shows_manifest) for view in showcase.children.views]


def _authors(value: object) -> list[str]:
    if not isinstance(value, list):
        return []
    names = [text_of(author.get("name") if isinstance(author, dict) else author) for author in value]
    return [name for name in names if name]


def _crumbs(prefix: str) -> list[tuple[str, str]]:
    """The directories above and including one, as (name, path)."""
    parts = [part for part in prefix.split("/") if part]
    return [(part, "/".join(parts[: n + 1]) + "/") for n, part in enumerate(parts)]


def _file_query(showcase: Showcase) -> str:
    """What a link to a file must say so that it is the file of the version shown."""
    asked = showcase.asked
    if asked.stage:
        return "?stage=true"
    return f"?{urlencode({'version': asked.version})}" if asked.version else ""


def _query(showcase: Showcase, *, page: int = 1, directory: str | None = None) -> str:
    """The query string of a neighbouring page: what was asked, with one part changed."""
    asked = showcase.asked
    wanted = {
        "builtin": "true",
        "q": asked.words,
        "order": asked.order,
        "page": "" if page == 1 else page,
        "dir": asked.directory if directory is None else directory,
        "version": asked.version,
        "stage": "true" if asked.stage else "",
    }
    return "?" + urlencode({key: value for key, value in wanted.items() if value})
