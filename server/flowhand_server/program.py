"""The server as a program: its arguments, its place in the home, its life and its end.

Exit status: 0 after a stop that was asked for, 2 for a configuration that waiting will not mend, 75 when another server has the database
open (EX_TEMPFAIL, sysexits.h), 1 for the rest. What went wrong stands in one line on stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from flowhand.errors import ConfigurationError
from flowhand.settings import Settings, load
from flowhand.telemetry import configure

from . import tls
from .config import ServerConfig
from .place import Place, PlaceTaken, bind, close_to_others, read_or_make_token

OK: Final = 0
FAILED: Final = 1
MISCONFIGURED: Final = 2
TAKEN: Final = 75


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a server until it is told to stop, or, embedded, until nobody needs it. Returns the exit status."""
    try:
        options = _parser().parse_args(arguments)
        settings = load(home=Path(options.home).expanduser().absolute() if options.home else None)
        configure(settings.log_level, settings.log_format)
        return _serve(_configuration(options, settings))
    except PlaceTaken as error:
        return _complain(error, TAKEN)
    except ConfigurationError as error:
        return _complain(error, MISCONFIGURED)
    except OSError as error:
        return _complain(error, FAILED)


def _complain(error: Exception, status: int) -> int:
    print(f"flowhand server: {error}", file=sys.stderr)  # noqa: T201 - the one line that says why
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="flowhand_server", description="The API server of flowhand.")
    parser.add_argument("--host", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="the port to listen on; 0: any that is free")
    parser.add_argument("--home", help="where state is kept")
    parser.add_argument("--embedded", action="store_true", help="serve this home's own programs, and leave when nobody needs it")
    parser.add_argument("--allow-unauthenticated", action="store_true", help="listen beyond the loopback without asking who it is")
    parser.add_argument("--tls-cert", type=Path, help="serve HTTPS with this certificate chain (PEM)")
    parser.add_argument("--tls-key", type=Path, help="the certificate's key (PEM), when it is not in the same file")
    return parser


def _configuration(options: argparse.Namespace, settings: Settings) -> ServerConfig:
    embedded = bool(options.embedded)
    host = options.host or ("127.0.0.1" if embedded else settings.server_host)
    certificate, key = (None, None) if embedded else tls.checked(*_tls_files(options, settings))
    close_to_others(settings.home)
    return ServerConfig(
        home=settings.home,
        host=host,
        port=options.port if options.port is not None else (0 if embedded else settings.server_port),
        database_url=settings.server_database_url,
        embedded=embedded,
        allow_unauthenticated=bool(options.allow_unauthenticated),
        auth_string=settings.server_auth_string,
        token=read_or_make_token(settings.home / "server") if embedded else None,
        secrets_key=settings.server_secrets_key,
        csrf=settings.server_csrf_protection,
        allowed_hosts=_listed(settings.server_allowed_hosts),
        trusted_proxies=_listed(settings.server_trusted_proxies),
        tls_cert=certificate,
        tls_key=key,
        lease_s=settings.server_lease,
        margin_s=settings.worker_margin,
        grace_s=settings.server_grace,
        heartbeat_s=settings.worker_heartbeat,
        idle_exit_s=settings.server_idle_exit,
        retention_days=settings.server_retention_days,
        version=_version(),
    )


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in (text or "").split(",") if name.strip())


def _tls_files(options: argparse.Namespace, settings: Settings) -> tuple[Path | None, Path | None]:
    return options.tls_cert or settings.server_tls_cert, options.tls_key or settings.server_tls_key


def _version() -> str:
    try:
        return version("flowhand")
    except PackageNotFoundError:
        return "0"


_COLLECTED_AFTER: Final = 20_000
"""Objects made beyond those freed, after which the youngest are looked through for cycles."""


def _serve(config: ServerConfig) -> int:
    place = Place(config)
    with place.lock(), bind(config.host, place.wanted_port(), fallback=config.embedded) as listening:
        # the web stack takes half a second to load: only once the place is ours
        from .lifecycle import run

        # what was loaded stays for good: the collector need not look at it again. What comes is mostly freed without it: a page of runs is
        # some ten thousand objects, which it would look through a dozen times while they are made
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECTED_AFTER)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(run(config, place, listening))
    return OK


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one; the standard loop serves as well, only slower."""
    try:
        return importlib.import_module("uvloop").new_event_loop
    except ImportError:
        return None
