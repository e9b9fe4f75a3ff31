"""Static sites: the files of an artifact as web pages, some of them templates, or a page of ours about the artifact.

What `config.view_config` says     what there is to see
"disabled"                         nothing
an object                          a site: the artifact's own files below `root_directory`
nothing                            a page of ours, except for generic artifacts, which must ask for it
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from armarium.core.counters import Counters
from armarium.core.files import Files
from armarium.core.lookup import Shown, find
from armarium.core.permissions import access_of, require
from armarium.core.publishing import view_as_of
from armarium.domain.artifact import Artifact, View
from armarium.domain.errors import Invalid, NotFound, TooLarge
from armarium.domain.file import FileEntry, safe_directory, safe_path
from armarium.domain.identifiers import ArtifactId
from armarium.domain.principal import Action, Principal
from armarium.domain.storage_keys import blob_key
from armarium.domain.version import Selector
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import Catalog
from armarium.ports.templates import Templates

INDEX = "index.html"
MAX_SOURCE_BYTES = 256 * 1024
"""The largest file that is rendered as a template."""

_DISABLED = "disabled"


class ViewConfig(msgspec.Struct, frozen=True):
    """How an artifact wants to be looked at.

    root_directory: where the site's files are. templates: those of them that are rendered, by path.
    headers: added to every answer. metadata: a variable of the templates.
    """

    root_directory: str = "/"
    templates: list[str] = []
    template_engine: str | None = "jinja2"
    headers: dict[str, str] = {}
    metadata: Any = None
    use_builtin_template: bool = False


class _Config(msgspec.Struct, frozen=True):
    view_config: ViewConfig | str | None = None


class SiteFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a site. is_template: it is to be rendered, not sent as it is."""

    view: View
    config: ViewConfig
    entry: FileEntry
    is_template: bool


class OwnPage(msgspec.Struct, frozen=True, kw_only=True):
    """The artifact is shown by a page of ours."""

    view: View


class Sites:
    """Use cases around artifacts as web pages."""

    def __init__(self, catalog: Catalog, blobs: Blobs, files: Files, counters: Counters, templates: Templates) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._files = files
        self._counters = counters
        self._templates = templates

    async def find(
        self,
        principal: Principal,
        name: str,
        path: str = "",
        *,
        version: Selector = None,
        stage: bool = False,
        own_page: bool = False,
    ) -> SiteFile | OwnPage:
        """Return what there is to see at a path of an artifact; own_page: ours, whatever the artifact says.

        A path that is empty or ends with a slash means the index there. The view count includes this view, which
        `count_view` counts once it was delivered.
        Raises NotFound (artifact, file, or nothing is to be seen), Forbidden, Invalid.
        """
        await self._counters.settle()
        found = await find(self._catalog, principal, name)
        config = view_config_of(found.artifact)
        wanted = _stored_path(config, path)
        require(principal, Action.GET_FILE, access_of(found), path=wanted)
        if config == _DISABLED:
            raise NotFound("view", name, "View access is disabled")
        view = await view_as_of(self._catalog, found, version, stage=stage)
        view = self._with_this_view(view)
        if not path and (own_page or _has_own_page(found.artifact)):
            require(principal, Action.READ, access_of(found))
            return OwnPage(view=view)
        if not is_viewable(found.artifact):
            raise Invalid("view_config", "This artifact type does not support view mode")
        shown = Shown(found, version=version, stage=stage)
        await self._files.settle(shown)
        entry = (await shown.find(self._catalog, [wanted])).get(wanted)
        if entry is None:
            raise NotFound("file", wanted, f"File not found: {wanted}")
        config = config if isinstance(config, ViewConfig) else ViewConfig()
        return SiteFile(view=view, config=config, entry=entry, is_template=_is_template(config, wanted))

    def _with_this_view(self, view: View) -> View:
        counted = self._counters.counted(view.artifact)
        return msgspec.structs.replace(
            view, artifact=msgspec.structs.replace(counted, view_count=counted.view_count + 1)
        )

    async def render(self, page: SiteFile, variables: Mapping[str, Any]) -> str:
        """Return the page a template makes. Raises TooLarge, Invalid (the template), Unavailable."""
        entry = page.entry
        if entry.size_bytes > MAX_SOURCE_BYTES:
            raise TooLarge(f"Template '{entry.path}' is larger than {MAX_SOURCE_BYTES} bytes.")
        source = b"".join([chunk async for chunk in self._blobs.open(blob_key(entry.blob_id))])
        try:
            text = source.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid("template", f"Template rendering failed: '{entry.path}' is not UTF-8.") from None
        return await self._templates.render(entry.path, text, variables)

    def count_view(self, artifact_id: ArtifactId) -> None:
        """Count that a page or file was delivered."""
        self._counters.add(artifact_id, views=1.0)


def view_config_of(artifact: Artifact) -> ViewConfig | str | None:
    """Read how an artifact wants to be looked at. Raises Invalid for what cannot be understood."""
    try:
        config = msgspec.json.decode(artifact.config, type=_Config).view_config
    except msgspec.ValidationError as error:
        raise Invalid("view_config", f"Invalid view_config: {error}") from None
    if isinstance(config, str) and config != _DISABLED:
        raise Invalid("view_config", "Invalid view_config: it must be an object or 'disabled'.")
    return config


def is_viewable(artifact: Artifact) -> bool:
    """Whether an artifact can be looked at without asking for the page of ours."""
    config = view_config_of(artifact)
    return config != _DISABLED and (config is not None or artifact.type != "generic")


def _has_own_page(artifact: Artifact) -> bool:
    config = view_config_of(artifact)
    if isinstance(config, ViewConfig):
        return config.use_builtin_template
    return config is None and artifact.type != "generic"


def _stored_path(config: ViewConfig | str | None, path: str) -> str:
    """The path a site's path is stored under: below the root directory, which it cannot leave."""
    root = safe_directory(config.root_directory) if isinstance(config, ViewConfig) else ""
    return root + safe_path(path + INDEX if not path or path.endswith("/") else path)


def _is_template(config: ViewConfig, path: str) -> bool:
    """Whether a stored path is named as a template, by itself or from the root directory on."""
    named = {name.removeprefix("./").strip("/") for name in config.templates}
    root = safe_directory(config.root_directory)
    return config.template_engine == "jinja2" and (path in named or path.removeprefix(root) in named)
