"""Every setting of the service: typed, documented, from the environment. docs/settings.md is made of this."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from cds_service.setting_values import (
    ancestors,
    base_url,
    base_urls,
    boolean,
    choice,
    database_url,
    directory,
    fhir_servers,
    file,
    integer,
    networks,
    origins,
    seconds,
    some_of,
    time_zone,
    words,
)

CRD_VERSIONS: Final = ("2.0", "2.1", "2.2")
_SECRET: Final = frozenset({"assertion_key", "database_url", "payload_keys"})


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the message names the variable and what it accepts."""


def _setting(
    name: str, default: Any, parse: Callable[[str], Any], description: str, shown: str | None = None
) -> Any:
    """Declare one setting: environment variable, default, reader of its text, and its documentation."""
    metadata = {
        "name": name,
        "parse": parse,
        "description": description,
        "shown": str(default) if shown is None else shown,
    }
    return field(
        default=default,
        metadata=metadata,
        repr=name not in ("CDS_ASSERTION_KEY", "CDS_DATABASE_URL", "CDS_PAYLOAD_KEYS"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, immutable once read. Unset variables and empty strings mean the default."""

    policies_dir: Path | None = _setting(  # noqa: RUF009 (a dataclass field)
        "CDS_POLICIES_DIR",
        None,
        directory,
        "Folder with another policy catalogue, laid out like `cql_like_rules/`.",
        "the catalogue that comes with the service",
    )
    database_url: str = _setting(
        "CDS_DATABASE_URL",
        "sqlite:///cds-service.sqlite3",
        database_url,
        "Where decisions are stored (SQLAlchemy address). The default is a SQLite file in the working "
        "directory; PostgreSQL: `postgresql+psycopg://user:password@host/database`.",
    )
    spool_dir: str = _setting(
        "CDS_SPOOL_DIR",
        "",
        str,
        "Folder on a local disk where what is recorded of each answer lies until the database has it, so "
        "that a worker that is killed takes nothing with it; `none`: in memory only.",
        "beside the SQLite file; with PostgreSQL `cds-service.spool` in the working directory",
    )
    public_base_url: str = _setting(
        "CDS_PUBLIC_BASE_URL",
        "",
        base_url,
        "Address under which clients reach the service; links on cards start with it.",
        "http:// and the address the server listens on",
    )
    host: str = _setting("CDS_HOST", "127.0.0.1", str, "Address to listen on; `serve --host` wins.")
    port: int = _setting("CDS_PORT", 8000, integer(0, 65535), "Port to listen on; `serve --port` wins.")
    server: str = _setting(
        "CDS_SERVER",
        "gunicorn",
        choice("gunicorn", "granian"),
        "HTTP server: gunicorn (threads) or granian (faster; install the extra `granian`).",
    )
    workers: int = _setting("CDS_WORKERS", 2, integer(1, 256), "Worker processes.")
    threads: int = _setting("CDS_THREADS", 16, integer(1, 512), "Threads in each worker process.")
    open_mode: bool = _setting(
        "CDS_OPEN_MODE",
        False,
        boolean,
        "Answer calls without a registered client also on addresses other than loopback. Only for tests "
        "and behind a gateway that checks who calls.",
        "false",
    )
    clients_file: Path | None = _setting(  # noqa: RUF009 (a dataclass field)
        "CDS_CLIENTS_FILE",
        None,
        lambda text: Path(text).expanduser(),
        "File of the registered clients (`.toml`, `.yaml`); with it every call needs a client's token.",
        "no client is registered",
    )
    audience_urls: tuple[str, ...] = _setting(
        "CDS_AUDIENCE_URLS",
        (),
        base_urls,
        "Further base addresses under which clients call, beside `CDS_PUBLIC_BASE_URL`; tokens (`aud`) may "
        "name them.",
        "none",
    )
    jwt_algorithms: tuple[str, ...] = _setting(
        "CDS_JWT_ALGORITHMS",
        ("RS384", "ES384"),
        some_of("RS384", "ES384", "RS256", "ES256"),
        "Signature algorithms of tokens: of RS384, ES384, RS256, ES256.",
        "RS384,ES384",
    )
    jwt_leeway: int = _setting(
        "CDS_JWT_LEEWAY", 60, integer(0, 60), "Seconds by which the clock of a client may differ."
    )
    jwt_max_lifetime: int = _setting(
        "CDS_JWT_MAX_LIFETIME", 300, integer(10, 3_600), "Longest life of a token, in seconds."
    )
    discovery_token: bool = _setting(
        "CDS_DISCOVERY_TOKEN",
        True,
        boolean,
        "Whether discovery needs a token too, once clients are registered.",
        "true",
    )
    replay_without_store: str = _setting(
        "CDS_REPLAY_WITHOUT_STORE",
        "refuse",
        choice("refuse", "process"),
        "While the database is down: `refuse` calls (503), or look for used tokens in each worker "
        "`process` alone.",
    )
    rate_limit: int = _setting(
        "CDS_RATE_LIMIT",
        6_000,
        integer(0, 10_000_000),
        "Calls a minute of one registered client, in each worker process; more get 429. 0: no limit.",
    )
    jwks_private_addresses: bool = _setting(
        "CDS_JWKS_PRIVATE_ADDRESSES",
        False,
        boolean,
        "Whether key sets may be fetched from private and loopback addresses.",
        "false",
    )
    jwks_ca_file: Path | None = _setting(  # noqa: RUF009 (a dataclass field)
        "CDS_JWKS_CA_FILE",
        None,
        file,
        "Certificates (PEM) that vouch for the servers of key sets.",
        "those of well-known authorities",
    )
    fhir_servers: tuple[str, ...] = _setting(
        "CDS_FHIR_SERVERS",
        (),
        fhir_servers,
        "FHIR servers (exact base addresses, `https`) that calls of no registered client may name as "
        "`fhirServer`. What a call lacks is read from there; from others nothing is read.",
        "none",
    )
    fhir_private_networks: tuple[str, ...] = _setting(
        "CDS_FHIR_PRIVATE_NETWORKS",
        (),
        networks,
        "Networks such as `10.20.0.0/16` in which listed FHIR servers may be; else only public addresses.",
        "none",
    )
    ehr_deadline: float = _setting(
        "CDS_EHR_DEADLINE",
        3.0,
        seconds(0.1, 30),
        "Seconds for all reads of one call together; what has not come by then is unknown.",
    )
    ehr_ca_file: Path | None = _setting(  # noqa: RUF009 (a dataclass field)
        "CDS_EHR_CA_FILE",
        None,
        file,
        "Certificates (PEM) that vouch for FHIR servers.",
        "those of well-known authorities",
    )
    member_lookup: str = _setting(
        "CDS_MEMBER_LOOKUP",
        "trust-ehr",
        choice("trust-ehr", "table"),
        "`trust-ehr` believes the Coverage of the call; `table` looks the member up in the table that "
        "`cds-service members import` fills.",
    )
    cors_origins: tuple[str, ...] = _setting(
        "CDS_CORS_ORIGINS",
        ("*",),
        origins,
        "Origins of browser-based clients that may read discovery and hook answers: `*` or a list.",
        "*",
    )
    frame_ancestors: tuple[str, ...] = _setting(
        "CDS_FRAME_ANCESTORS",
        (),
        ancestors,
        "Origins such as `https://ehr.example.org` whose pages may show the form page in a frame.",
        "none",
    )
    default_crd_version: str = _setting(
        "CDS_DEFAULT_CRD_VERSION",
        "2.0",
        choice(*CRD_VERSIONS),
        "CRD version of the answer when the request names none: 2.0, 2.1 or 2.2. Clients older than "
        "CRD 2.2 never name one.",
    )
    assertion_key: str = _setting(
        "CDS_ASSERTION_KEY",
        "",
        str,
        "Secret that makes coverage assertion ids impossible to guess. Set the same value on every "
        "server; a new value gives every decision a new id.",
        "a fixed, public value",
    )
    time_zone: ZoneInfo = _setting(  # noqa: RUF009 (a dataclass field)
        "CDS_TIME_ZONE",
        ZoneInfo("UTC"),
        time_zone,
        "Time zone in which the day of a call is counted, as an IANA name.",
        "UTC",
    )
    max_body_bytes: int = _setting(
        "CDS_MAX_BODY_BYTES",
        4_194_304,
        integer(1_024, 268_435_456),
        "Largest request body, in bytes; a larger one is answered with 413.",
    )
    max_nesting: int = _setting(
        "CDS_MAX_NESTING",
        64,
        integer(16, 400),
        "Deepest nesting of objects and lists in a request body.",
    )
    max_orders: int = _setting("CDS_MAX_ORDERS", 100, integer(1, 10_000), "Most orders in one request.")
    retain_payloads: bool = _setting(
        "CDS_RETAIN_PAYLOADS",
        False,
        boolean,
        "Keep every request and answer whole, encrypted with `CDS_PAYLOAD_KEYS`, in the log of invocations.",
        "false",
    )
    payload_keys: tuple[str, ...] = _setting(
        "CDS_PAYLOAD_KEYS",
        (),
        words,
        "Keys for kept payloads, for what documentation rests on, and for links to forms, made by "
        "`cds-service retention key`: the first encrypts, all can read.",
        "for documentation and links one that is made once and kept in the database",
    )
    form_lifetime: int = _setting(
        "CDS_FORM_LIFETIME",
        72,
        integer(1, 8_760),
        "Hours for which a link to a form, and what was kept of the call behind it, can be opened.",
    )
    max_attachment_bytes: int = _setting(
        "CDS_MAX_ATTACHMENT_BYTES",
        2_097_152,
        integer(1_024, 268_435_456),
        "Largest document with an answer, in bytes; `CDS_MAX_BODY_BYTES` must hold it in base64.",
    )
    log_level: str = _setting(
        "CDS_LOG_LEVEL",
        "INFO",
        choice("DEBUG", "INFO", "WARNING", "ERROR"),
        "Least severe log line that is written: DEBUG, INFO, WARNING or ERROR.",
    )
    log_format: str = _setting(
        "CDS_LOG_FORMAT",
        "json",
        choice("json", "text"),
        "`json` writes one JSON object per line, `text` is easier to read in a terminal.",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read all settings; raises SettingsError naming the first variable that cannot be used."""
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for each in fields(cls):
            text = environment.get(each.metadata["name"], "").strip()
            if not text:
                continue
            try:
                values[each.name] = each.metadata["parse"](text)
            except ValueError as error:
                shown = "" if each.name in _SECRET else f", not {text!r}"
                raise SettingsError(f"{each.metadata['name']}: {error}{shown}") from None
        return cls(**values)

    @property
    def rules_directory(self) -> Path:
        """The folder of the policy catalogue in use."""
        return self.policies_dir or default_rules_directory()

    @property
    def spool_folder(self) -> Path | None:
        """The folder of the spool; None where it is switched off."""
        if self.spool_dir == "none":
            return None
        if self.spool_dir:
            return Path(self.spool_dir).expanduser()
        kind, _, place = self.database_url.partition(":///")
        file = place.partition("?")[0] if kind.startswith("sqlite") else ""
        return Path(f"{file}.spool" if file and not file.startswith("file:") else "cds-service.spool")

    def in_words(self) -> list[tuple[str, str]]:
        """(variable, value in effect) of every setting; secrets and defaults of no value are described."""
        shown = []
        for each in fields(self):
            value = getattr(self, each.name)
            if value == each.default:
                text = each.metadata["shown"]
            elif each.name in _SECRET:
                text = "(set)"
            else:
                text = ",".join(value) if isinstance(value, tuple) else str(value)
            shown.append((each.metadata["name"], text))
        return shown


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """Environment variables that look like settings of this service but are none (a typing error)."""
    environment = os.environ if environment is None else environment
    known = {each.metadata["name"] for each in fields(Settings)}
    return sorted(name for name in environment if name.startswith("CDS_") and name not in known)


def default_rules_directory() -> Path:
    """The catalogue that comes with the service: `cql_like_rules` in a checkout, else the packaged copy.

    Raises SettingsError when neither is there.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package.parent / "cql_like_rules", package / "_rules"):
        if (candidate / "catalog").is_dir():
            return candidate
    raise SettingsError("CDS_POLICIES_DIR: no policy catalogue found; set it to a folder with one")


def documentation() -> str:
    """The text of docs/settings.md, made of the declarations above."""
    lines = [
        "# Settings",
        "",
        "<!-- Made by `cds-service settings --write docs/settings.md`; do not edit by hand. -->",
        "",
        "All settings are environment variables. An empty variable means the default.",
        "A value that cannot be used stops the start with a message naming the variable.",
        "",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
    ]
    for each in fields(Settings):
        data = each.metadata
        shown = data["shown"]
        default = shown if " " in shown else f"`{shown}`"
        lines.append(f"| `{data['name']}` | {default} | {data['description']} |")
    return "\n".join(lines) + "\n"
