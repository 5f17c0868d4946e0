"""Settings: the environment first, then `flowhand.toml` or `[tool.flowhand]` in `pyproject.toml`, then defaults.

Read once at an edge of the program (a command, `serve`, the API client's first use) by `load`, then handed down. Nothing else reads the
environment. Plain dataclasses: reading them must not cost the import of a validation library in every flow's process.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from flowhand.errors import ConfigurationError

PREFIX: Final = "FLOWHAND_"
_CREDENTIALS: Final = re.compile(r"//[^/]*@")
"""User and password in a URL: not for an error's text."""


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError("is not zero or more")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise ValueError("is not a port, 0 to 65535")
    return value


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError("is not one or more")
    return value


def _text(text: str) -> str:
    return text


def _url(text: str) -> str:
    text = text.rstrip("/")
    if not text.startswith(("http://", "https://")):
        raise ValueError("does not begin with http:// or https://")
    return text


def _format(text: str) -> str:
    if text not in {"auto", "console", "json"}:
        raise ValueError("is not one of auto, console, json")
    return text


def _level(text: str) -> str:
    name = text.strip().upper()
    if name not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
        raise ValueError("is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    return name


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError("is not above zero")
    return value


def _yes_or_no(text: str) -> bool:
    word = text.strip().lower()
    if word not in {"true", "false", "1", "0", "yes", "no", "on", "off"}:
        raise ValueError("is not true or false")
    return word in {"true", "1", "yes", "on"}


def setting(
    default: Any,
    parse: Callable[[str], Any],
    about: str,
    *,
    env: str | None = None,
    also: tuple[str, ...] = (),
    secret: bool = False,
) -> Any:
    """A field of `Settings`: how its text is read, what it is for, and under which other names it is known."""
    return field(default=default, metadata={"parse": parse, "about": about, "env": env, "also": also, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Durations are seconds, sizes bytes."""

    api_url: str | None = setting(None, _url, "the API, ending in /api; unset: the embedded server", also=("PREFECT_API_URL",))
    api_key: str | None = setting(None, _text, "sent as a bearer token", also=("PREFECT_API_KEY",), secret=True)
    api_auth_string: str | None = setting(
        None, _text, "user:password, sent as Basic authentication", also=("PREFECT_API_AUTH_STRING",), secret=True
    )
    api_tls_ca: Path | None = setting(
        None, Path, "authorities (PEM) that vouch for the API beside the usual ones", also=("PREFECT_API_SSL_CERT_FILE",)
    )
    api_timeout: float = setting(30.0, _positive, "seconds for one request, long polls apart")
    home: Path = setting(Path("~/.flowhand"), Path, "where state is kept on this machine")
    ui_url: str | None = setting(None, _url, "the address printed in links; unset: the API's without /api")
    default_work_pool: str | None = setting(None, _text, "the pool `deploy` uses when none is named")
    base_image: str | None = setting(None, _text, "what generated images start from; unset: the Python that deploys, slim")
    storage_base_path: str | None = setting(
        None,
        _text,
        "replaces $STORAGE_BASE_PATH in a deployment's path",
        env="FLOWHAND__STORAGE_BASE_PATH",
        also=("PREFECT__STORAGE_BASE_PATH",),
    )
    storage_keep_days: float = setting(14.0, _not_negative, "days for which code that was fetched is kept unused")
    storage_max_bytes: int = setting(10 * 1024**3, _at_least_one, "bytes that fetched code and its environments may take; the oldest goes")
    log_level: str = setting("INFO", _level, "DEBUG, INFO, WARNING, ERROR or CRITICAL", also=("PREFECT_LOGGING_LEVEL",))
    log_format: str = setting("auto", _format, "console, json, or auto (console on a terminal)")

    server_host: str = setting("127.0.0.1", _text, "the address the server listens on")
    server_port: int = setting(4200, _port, "the port of `flowhand server start`")
    server_database_url: str | None = setting(
        None, _text, "postgresql://… ; unset: SQLite in the home", also=("PREFECT_API_DATABASE_CONNECTION_URL",), secret=True
    )
    server_auth_string: str | None = setting(
        None, _text, "user:password that clients of the server must send", also=("PREFECT_SERVER_API_AUTH_STRING",), secret=True
    )
    server_secrets_key: str | None = setting(
        None, _text, "what secrets of blocks are encrypted with, the same for all replicas; unset: a file of the home", secret=True
    )
    server_csrf_protection: bool = setting(
        False, _yes_or_no, "ask for CSRF tokens, as Prefect's server can", also=("PREFECT_SERVER_CSRF_PROTECTION_ENABLED",)
    )
    server_allowed_hosts: str | None = setting(None, _text, "names, with commas, that the server may be addressed by beside localhost")
    server_trusted_proxies: str | None = setting(None, _text, "addresses, with commas, whose X-Forwarded-For is believed")
    server_tls_cert: Path | None = setting(None, Path, "serve HTTPS with this certificate chain (PEM)")
    server_tls_key: Path | None = setting(None, Path, "the certificate's key (PEM), when it is not in the same file")
    server_lease: float = setting(60.0, _positive, "seconds a lease lasts unless renewed")
    server_grace: float = setting(3600.0, _not_negative, "seconds in which a lost worker may come back under the crash policy")
    server_idle_exit: float = setting(60.0, _not_negative, "seconds without sessions after which the embedded server leaves; 0: never")
    server_retention_days: float = setting(30.0, _not_negative, "days for which ended runs and their logs are kept; 0: for ever")

    worker_limit: int | None = setting(None, _at_least_one, "runs at once in one daemon; unset: from cores and memory")
    worker_heartbeat: float = setting(10.0, _positive, "seconds between renewals")
    worker_margin: float = setting(10.0, _positive, "seconds before its lease's end at which a child is fenced")
    worker_prefetch: float = setting(2.0, _not_negative, "seconds before its time at which a run may be claimed")
    worker_poll: float = setting(10.0, _positive, "seconds between polls where no long poll can be held")
    worker_drain: float = setting(300.0, _not_negative, "seconds running flows have to end after SIGTERM or SIGINT")
    worker_grace: float = setting(30.0, _not_negative, "seconds between SIGTERM and SIGKILL for one run")
    worker_hooks: float = setting(
        60.0, _positive, "seconds that the hooks of a run have which another process calls, since its own was killed"
    )
    worker_webserver_host: str = setting(
        "127.0.0.1",
        _text,
        "the address on which a daemon tells its health",
        also=("PREFECT_WORKER_WEBSERVER_HOST", "PREFECT_RUNNER_SERVER_HOST"),
    )
    worker_webserver_port: int = setting(
        8080, _port, "the port of it", also=("PREFECT_WORKER_WEBSERVER_PORT", "PREFECT_RUNNER_SERVER_PORT")
    )

    @property
    def ui(self) -> str | None:
        """Where a person looks: `ui_url`, else the API's address without `/api`."""
        if self.ui_url or not self.api_url:
            return self.ui_url
        return self.api_url.removesuffix("/api")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: `environment NAME`, `file PATH`, or `default`."""

    value: Any
    source: str
    secret: bool
    about: str


def env_name(name: str) -> str:
    """The environment variable of a field."""
    given = next(f for f in fields(Settings) if f.name == name).metadata["env"]
    return given or PREFIX + name.upper()


def load(environ: Mapping[str, str] | None = None, directory: Path | None = None, **overrides: Any) -> Settings:
    """The settings in force. `overrides` win over all (None means: not given). ConfigurationError names the variable or file and key."""
    values = {name: origin.value for name, origin in origins(environ, directory).items()}
    values.update({name: value for name, value in overrides.items() if value is not None})
    return Settings(**values)


def origins(environ: Mapping[str, str] | None = None, directory: Path | None = None) -> dict[str, Origin]:
    """Each setting with its value and where that comes from. Unknown names raise ConfigurationError with the nearest known one."""
    environ = os.environ if environ is None else environ
    filed, path = _from_files(directory or Path.cwd())
    _refuse_unknown(environ, filed, path)
    found: dict[str, Origin] = {}
    for spec in fields(Settings):
        found[spec.name] = _one(spec, environ, filed, path)
    home = found["home"]
    found["home"] = Origin(Path(home.value).expanduser().absolute(), home.source, home.secret, home.about)
    return found


def _one(spec: Any, environ: Mapping[str, str], filed: Mapping[str, Any], path: Path | None) -> Origin:
    meta = spec.metadata
    names = (env_name(spec.name), *meta["also"])
    for name in names:
        text = environ.get(name)
        if text:
            return Origin(_read(meta["parse"], text, name), f"environment {name}", meta["secret"], meta["about"])
    if spec.name in filed:
        value = filed[spec.name]
        return Origin(_read(meta["parse"], str(value), f"{spec.name} in {path}"), f"file {path}", meta["secret"], meta["about"])
    return Origin(spec.default, "default", meta["secret"], meta["about"])


def _read(parse: Callable[[str], Any], text: str, where: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigurationError(f"{where}: {_CREDENTIALS.sub('//***@', text)!r} {_words(error)}") from None


def _words(error: ValueError) -> str:
    text = str(error)
    return text if text.startswith(("is ", "does ")) else "is not a number"


def _from_files(directory: Path) -> tuple[dict[str, Any], Path | None]:
    for folder in (directory, *directory.parents):
        for name, table in (("flowhand.toml", None), ("pyproject.toml", "flowhand")):
            path = folder / name
            if not path.is_file():
                continue
            try:
                data = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"{path}: {error}") from None
            found = data if table is None else data.get("tool", {}).get(table)
            if found is not None:
                return dict(found), path
    return {}, None


_KNOWN_ELSEWHERE: Final = ("FLOWHAND_TEST_", "FLOWHAND__")


def _refuse_unknown(environ: Mapping[str, str], filed: Mapping[str, Any], path: Path | None) -> None:
    known = {spec.name for spec in fields(Settings)}
    for name in filed:
        if name not in known:
            raise ConfigurationError(f"{path}: unknown setting {name!r}{_nearest(name, known)}")
    names = {env_name(name) for name in known}
    for name in environ:
        if name.startswith(PREFIX) and not name.startswith(_KNOWN_ELSEWHERE) and name not in names:
            raise ConfigurationError(f"unknown setting {name} in the environment{_nearest(name, names)}")


def _nearest(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f", did you mean {near[0]}?" if near else "; see `flowhand config view`"
