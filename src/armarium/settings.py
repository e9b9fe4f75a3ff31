"""What an operator can set: one frozen value, read from `ARMARIUM_*` variables and an optional TOML file.

Each field is documented here and nowhere else; `describe` feeds the reference page and `armarium serve --help`.
"""

import difflib
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from armarium.domain.errors import Invalid
from armarium.domain.units import format_duration, parse_duration, parse_size

PREFIX = "ARMARIUM_"
CONFIG_VARIABLE = "ARMARIUM_CONFIG"
CLIENT_VARIABLES = frozenset({CONFIG_VARIABLE, "ARMARIUM_URL", "ARMARIUM_TOKEN"})
"""Variables with our prefix that are no settings: where the settings file is, and what clients read."""

USUAL_S3_VARIABLES = {
    "AWS_ENDPOINT_URL": "s3_endpoint",
    "AWS_ENDPOINT_URL_S3": "s3_endpoint",
    "AWS_DEFAULT_REGION": "s3_region",
    "AWS_REGION": "s3_region",
    "AWS_ACCESS_KEY_ID": "s3_access_key_id",
    "AWS_SECRET_ACCESS_KEY": "s3_secret_access_key",
    "AWS_SESSION_TOKEN": "s3_session_token",
}
"""Variables of other S3 programs, read where ours are not set; of two for one setting the later wins."""
_OF_ONE_KEY = {"s3_access_key_id", "s3_secret_access_key", "s3_session_token"}

MIN_SECRET_LENGTH = 16
MIN_ROOT_TOKEN_LENGTH = 32
MAX_WORKERS = 256


class Size(int):
    """A number of bytes, which may be written with a unit."""


MiB = 1024 * 1024


def _doc(text: str, *, secret: bool = False) -> Meta:
    return Meta(description=text, extra={"secret": secret})


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set; the defaults work offline in the current folder."""

    data: Annotated[Path, _doc("Folder that holds the database, the files and the server's own key.")] = Path("data")
    database: Annotated[
        str | None,
        _doc(
            "PostgreSQL database that keeps the records, as `postgresql://user:password@host/name`; "
            "a SQLite file in the data folder keeps them when not set.",
            secret=True,
        ),
    ] = None
    database_connections: Annotated[
        int, _doc("Connections of one process to PostgreSQL, at most; half are for changes, half for reads.")
    ] = 20
    blobs: Annotated[
        str | None,
        _doc("Object store that keeps the files, as `s3://bucket/prefix`; the data folder keeps them when not set."),
    ] = None
    s3_endpoint: Annotated[str | None, _doc("Base URL of the S3 server; Amazon's when not set.")] = None
    s3_public_endpoint: Annotated[
        str | None,
        _doc("Base URL under which clients reach the S3 server; without it they do not, unless it is Amazon's."),
    ] = None
    s3_region: Annotated[str | None, _doc("Region of the bucket; us-east-1 when not set.")] = None
    s3_access_key_id: Annotated[str | None, _doc("Access key of the S3 server.", secret=True)] = None
    s3_secret_access_key: Annotated[str | None, _doc("Secret of the access key.", secret=True)] = None
    s3_session_token: Annotated[str | None, _doc("Session token of a temporary access key.", secret=True)] = None
    direct_transfers: Annotated[
        bool, _doc("Whether clients get URLs of the S3 server itself, where they can reach it.")
    ] = True
    own_stores: Annotated[
        bool, _doc("Whether artifacts may bring a bucket of their own for their files, with the secrets `S3_...`.")
    ] = False
    host: Annotated[str, _doc("Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, _doc("Port to listen on; 0 takes a free one.")] = 8100
    workers: Annotated[int, _doc("Processes that serve together; each uses about one core.")] = 1
    public_url: Annotated[
        str | None, _doc("Base URL under which clients reach the server; taken from host and port when not set.")
    ] = None
    root_token: Annotated[
        str | None,
        _doc("An operator token with every right, at least 32 characters; none when not set.", secret=True),
    ] = None
    jwt_secret: Annotated[
        str | None,
        _doc(
            "Secret shared with whoever else mints HS256 tokens for this server, at least 16 characters "
            "(32 are better); derived from the server's key when not set.",
            secret=True,
        ),
    ] = None
    secret_key: Annotated[
        str | None,
        _doc(
            "Key from which all others are derived, at least 16 characters; "
            "`master.key` in the data folder when not set.",
            secret=True,
        ),
    ] = None
    previous_secret_keys: Annotated[
        tuple[str, ...],
        _doc(
            "Former values of secret_key, comma-separated, with which stored secrets can still be opened.", secret=True
        ),
    ] = ()
    anonymous: Annotated[bool, _doc("Whether callers without a credential are let in, to what is public.")] = True
    max_file_bytes: Annotated[Size, _doc("Largest file that can be uploaded.")] = Size(1024 * 1024 * MiB)
    max_body_bytes: Annotated[Size, _doc("Largest JSON or form body of a request.")] = Size(16 * MiB)
    url_lifetime: Annotated[timedelta, _doc("How long upload and download URLs stay good.")] = timedelta(hours=1)
    blob_grace: Annotated[
        timedelta, _doc("How long bytes that nothing refers to any more are kept before the sweeper takes them.")
    ] = timedelta(days=1)
    upload_lifetime: Annotated[timedelta, _doc("How long a resumable upload may rest before it is forgotten.")] = (
        timedelta(days=1)
    )
    sweep_interval: Annotated[timedelta, _doc("Time between two runs of the sweeper; 0s turns it off.")] = timedelta(
        hours=1
    )
    job_slots: Annotated[
        int, _doc("Jobs that each server process does at a time; 0 leaves them all to `armarium worker`.")
    ] = 2
    job_lease: Annotated[
        timedelta, _doc("How long a job whose worker fell silent waits before somebody else takes it up.")
    ] = timedelta(seconds=30)
    job_time_limit: Annotated[timedelta, _doc("How long one attempt at a job may take.")] = timedelta(minutes=10)
    dataforce_multipart_above: Annotated[
        Size,
        _doc(
            "DataForce clients are told to send files larger than this in parts. The default is the most one PUT takes."
        ),
    ] = Size(5 * 1024 * MiB)
    dataforce_strict_delete: Annotated[
        bool, _doc("Whether DataForce clients may delete only artifacts they have asked a delete URL for.")
    ] = False
    generator_url: Annotated[
        str | None,
        _doc("OpenAI-compatible endpoint that writes documents, such as `http://host/v1`; built-in when not set."),
    ] = None
    generator_model: Annotated[str, _doc("Model the endpoint is asked for.")] = "default"
    generator_api_key: Annotated[str | None, _doc("Key of the endpoint.", secret=True)] = None
    max_inline_bytes: Annotated[Size, _doc("Largest document that can be sent inside a JSON request.")] = Size(32 * MiB)
    rate_limit: Annotated[
        int, _doc("Requests a minute that one credential may make to the REST doors; 0 for any number.")
    ] = 0
    hypha_open_listing: Annotated[
        bool, _doc("Whether anybody may list the root artifacts of any workspace over the Hypha HTTP routes.")
    ] = False
    hypha_listing_cache_seconds: Annotated[
        float, _doc("Seconds for which the Hypha HTTP listing of a collection may be repeated from memory.")
    ] = 0.0
    zenodo_url: Annotated[str, _doc("Zenodo, where artifacts are published to with `zenodo`.")] = "https://zenodo.org"
    sandbox_zenodo_url: Annotated[str, _doc("Zenodo for trying out, published to with `sandbox_zenodo`.")] = (
        "https://sandbox.zenodo.org"
    )
    vector_memory: Annotated[
        Size, _doc("How much memory the vectors of collections that are searched may take, all together.")
    ] = Size(2048 * MiB)
    vector_exact_up_to: Annotated[
        int,
        _doc("Vectors of a collection that are all compared; more are searched by pgvector, where PostgreSQL has it."),
    ] = 200_000
    embedding_url: Annotated[
        str | None, _doc("Service behind `openai:` embedding models, up to and without `/embeddings`.")
    ] = None
    embedding_key: Annotated[str | None, _doc("What that service is shown as a bearer token.", secret=True)] = None
    websocket_max_message_bytes: Annotated[Size, _doc("Largest frame a WebSocket client may send.")] = Size(16 * MiB)
    websocket_max_connections: Annotated[int, _doc("WebSocket clients that may be connected at a time.")] = 10_000
    websocket_max_calls: Annotated[int, _doc("Calls of one WebSocket client that may be in progress at a time.")] = 256
    websocket_idle: Annotated[
        timedelta, _doc("How long a WebSocket client may stay silent before it is disconnected.")
    ] = timedelta(minutes=10)
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], _doc("Least important messages that are logged.")
    ] = "info"
    log_format: Annotated[Literal["text", "json"], _doc("Whether the log is written for people or for programs.")] = (
        "text"
    )

    def __repr__(self) -> str:
        shown = (f"{name}={_shown(name, getattr(self, name))}" for name in self.__struct_fields__)
        return f"Settings({', '.join(shown)})"

    def __rich_repr__(self) -> Any:
        for name in self.__struct_fields__:
            yield name, _shown(name, getattr(self, name))


class Description(NamedTuple):
    """One setting for the reference page. default: as one would write it, empty where there is none."""

    name: str
    variable: str
    kind: str
    default: str
    text: str


_HINTS: Mapping[str, Any] = get_type_hints(Settings, include_extras=True)
_SECRETS = frozenset(name for name, hint in _HINTS.items() if hint.__metadata__[0].extra["secret"])
_KINDS = {
    Path: "path", str: "text", int: "number", float: "number", bool: "true or false",
    Size: "size", timedelta: "duration", tuple: "list",
}  # fmt: skip


def describe() -> list[Description]:
    """Every setting, in order of definition."""
    return [_description(field) for field in msgspec.structs.fields(Settings)]


def _description(field: msgspec.structs.FieldInfo) -> Description:
    text = _HINTS[field.name].__metadata__[0].description
    kind = _kind(field.name)
    shown = ", ".join(get_args(kind)) if get_origin(kind) is Literal else _KINDS[kind]
    return Description(field.name, PREFIX + field.name.upper(), shown, _written(field.default), text)


def _kind(name: str) -> Any:
    """The type behind a field, without `None` and annotation."""
    hint = get_args(_HINTS[name])[0]
    if get_origin(hint) is Literal:
        return hint
    if get_origin(hint) is tuple:
        return tuple
    return next((kind for kind in get_args(hint) if kind is not type(None)), hint)


def _written(value: Any) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return format_duration(value) if isinstance(value, timedelta) else str(value)


def _shown(name: str, value: Any) -> str:
    return "'***'" if name in _SECRETS and value else repr(value)


def load(
    config: Path | None = None, *, environ: Mapping[str, str], overrides: Mapping[str, object] | None = None
) -> Settings:
    """Read settings: `overrides` win over variables, those over the file, that over the defaults.

    config: a TOML file; None takes the one `ARMARIUM_CONFIG` names, if any.
    overrides: settings given on a command line; None values are skipped.
    An empty variable counts as not set.
    Raises Invalid, which names the setting and where it was set.
    """
    path = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    values = {**_from_file(path), **_from_environment(environ)}
    values = {**_usual_s3(environ, values), **values}
    values |= {name: value for name, value in (overrides or {}).items() if value is not None}
    return _checked(Settings(**{name: _converted(name, value) for name, value in values.items()}))


def _from_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid("config", f"The settings file '{path}' cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid("config", f"The settings file '{path}' is not valid TOML: {error}") from None
    for name in values:
        _check_known(name, f"'{name}' in the settings file '{path}'")
    return values


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for variable, value in environ.items():
        if value and variable.startswith(PREFIX) and variable not in CLIENT_VARIABLES:
            name = variable.removeprefix(PREFIX).lower()
            _check_known(name, f"The variable {variable}")
            values[name] = value
    return values


def _usual_s3(environ: Mapping[str, str], given: Mapping[str, object]) -> dict[str, str]:
    """What the variables of other S3 programs say; a key and its secret are taken together or not at all."""
    own_key = "s3_access_key_id" in given
    return {
        name: environ[variable]
        for variable, name in USUAL_S3_VARIABLES.items()
        if environ.get(variable) and not (own_key and name in _OF_ONE_KEY)
    }


def _check_known(name: str, what: str) -> None:
    if name in _HINTS:
        return
    close = difflib.get_close_matches(name, _HINTS, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    raise Invalid(name, f"{what} is no setting of armarium.{hint}")


def _converted(name: str, value: object) -> Any:
    _check_known(name, f"'{name}'")
    try:
        return _as(_kind(name), value, get_args(_HINTS[name])[0])
    except (msgspec.ValidationError, Invalid, ValueError) as error:
        raise Invalid(name, f"The setting '{name}' ({PREFIX}{name.upper()}) cannot be used: {error}") from None


def _as(kind: Any, value: object, hint: Any) -> Any:
    if kind is Size:
        return Size(parse_size(str(value)))
    if kind is timedelta:
        return value if isinstance(value, timedelta) else parse_duration(str(value))
    if kind is Path:
        return Path(str(value)).expanduser()
    if kind is str and not isinstance(value, str):
        raise ValueError("it must be text.")
    if kind is tuple and isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if kind is bool and isinstance(value, str):
        return _boolean(value)
    return msgspec.convert(value, hint, strict=not isinstance(value, str))


def _boolean(text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.strip().lower() not in known:
        raise ValueError("write true or false.")
    return known[text.strip().lower()]


def _checked(settings: Settings) -> Settings:
    """Refuse values that are well-formed and still cannot work."""
    rules = (
        ("port", 0 <= settings.port <= 65535, "a port is a number from 0 to 65535."),
        ("database_connections", settings.database_connections >= 2, "use at least 2."),
        ("workers", 1 <= settings.workers <= MAX_WORKERS, f"use a number from 1 to {MAX_WORKERS}."),
        ("public_url", _is_base_url(settings.public_url), "it is no http or https URL without query."),
        ("generator_url", _is_base_url(settings.generator_url), "it is no http or https URL without query."),
        ("rate_limit", settings.rate_limit >= 0, "use a number from 0."),
        ("zenodo_url", _is_base_url(settings.zenodo_url), "it is no http or https URL without query."),
        ("sandbox_zenodo_url", _is_base_url(settings.sandbox_zenodo_url), "it is no http or https URL without query."),
        ("s3_endpoint", _is_base_url(settings.s3_endpoint), "it is no http or https URL without query."),
        ("s3_public_endpoint", _is_base_url(settings.s3_public_endpoint), "it is no http or https URL without query."),
        (
            "s3_secret_access_key",
            bool(settings.s3_access_key_id) == bool(settings.s3_secret_access_key),
            "an access key and its secret belong together.",
        ),
        ("root_token", _long(settings.root_token, MIN_ROOT_TOKEN_LENGTH), "use at least 32 characters."),
        ("jwt_secret", _long(settings.jwt_secret, MIN_SECRET_LENGTH), "use at least 16 characters."),
        ("secret_key", _long(settings.secret_key, MIN_SECRET_LENGTH), "use at least 16 characters."),
        ("job_slots", 0 <= settings.job_slots <= 64, "use a number from 0 to 64."),
        ("job_lease", settings.job_lease >= timedelta(seconds=1), "use at least one second."),
        ("job_time_limit", settings.job_time_limit >= timedelta(seconds=1), "use at least one second."),
        ("upload_lifetime", settings.upload_lifetime >= timedelta(seconds=1), "use at least one second."),
        ("url_lifetime", settings.url_lifetime >= timedelta(seconds=1), "use at least one second."),
    )
    for name, good, reason in rules:
        if not good:
            raise Invalid(name, f"The setting '{name}' ({PREFIX}{name.upper()}) cannot be used: {reason}")
    return msgspec.structs.replace(settings, public_url=settings.public_url and settings.public_url.rstrip("/"))


def _long(text: str | None, least: int) -> bool:
    return text is None or len(text) >= least


def _is_base_url(url: str | None) -> bool:
    return url is None or (
        url.startswith(("http://", "https://")) and url.isascii() and not set(url) & set("?# \"'\\<>")
    )
