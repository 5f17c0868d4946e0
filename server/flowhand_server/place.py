"""A server's place: its folder in the home, the lock on it, the port, and what it publishes about itself (docs/protocol.md, The home)."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

from flowhand.errors import ConfigurationError, FlowhandError
from flowhand.incarnation import incarnation

from .config import ServerConfig

_BACKLOG: Final = 2048


class PlaceTaken(FlowhandError):
    """Another live server has this home's database open."""


class PortTaken(FlowhandError, OSError):
    """Somebody else listens there."""


def close_to_others(home: Path) -> None:
    """Makes the home and the server's folder in it, for their owner alone. ConfigurationError says why that cannot be."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "server").mkdir(mode=0o700, exist_ok=True)
        probe = home / "server" / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        advice = "set FLOWHAND_HOME to a folder that can be written to"
        raise ConfigurationError(f"{home / 'server'} cannot be used ({error.strerror}); {advice}") from None


def read_or_make_token(directory: Path) -> str:
    """The token that the embedded server wants, in a file that its owner alone can read; made on the first start."""
    path = directory / "token"
    with contextlib.suppress(FileNotFoundError):
        found = path.read_text(encoding="ascii").strip()
        if found:
            return found
    token = secrets.token_urlsafe(32)
    _replace(path, token + "\n")
    return token


class Place:
    """The folder of one server."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._directory = config.directory

    @contextlib.contextmanager
    def lock(self) -> Generator[None]:
        """Holds the home's database for this process alone. PlaceTaken when another server has it. With PostgreSQL nothing is locked."""
        if self._config.database_url:
            yield
            return
        path = self._directory / "server.lock"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PlaceTaken(f"another server has {self._directory} open ({self._who()}); stop it first, or set FLOWHAND_HOME") from None
        else:
            yield
        finally:
            os.close(handle)

    def wanted_port(self) -> int:
        """The port to listen on: an embedded server's last one, so that what it told its neighbours stays true."""
        if not self._config.embedded or self._config.port:
            return self._config.port
        port = str(self._published().get("url", "")).removesuffix("/api").rpartition(":")[2]
        return int(port) if port.isdigit() and 0 < int(port) < 65_536 else 0

    def publish(self, host: str, port: int, server_id: str) -> None:
        """Tells this home where the server is."""
        scheme = "https" if self._config.tls_cert else "http"
        about = {
            "url": f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/api",
            "pid": os.getpid(),
            "incarnation": incarnation(os.getpid()),
            "version": self._config.version,
            "server_id": server_id,
            "embedded": self._config.embedded,
        }
        _replace(self._directory / "server.json", json.dumps(about) + "\n")

    def _published(self) -> dict[str, Any]:
        try:
            found = json.loads((self._directory / "server.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _who(self) -> str:
        about = self._published()
        return f"pid {about['pid']}, {about['url']}" if "pid" in about and "url" in about else "it is just starting"


def bind(host: str, port: int, *, fallback: bool) -> socket.socket:
    """A socket that listens on the address. With `fallback` another port is taken when the wanted one is not free. PortTaken otherwise."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        if fallback and port:
            return bind(host, 0, fallback=False)
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} on {host} is in use; choose another with --port or FLOWHAND_SERVER_PORT") from None
        raise ConfigurationError(f"cannot listen on {host}:{port} ({error.strerror})") from None
    made.setblocking(False)
    return made


def _replace(path: Path, text: str) -> None:
    """Writes a file for its owner alone, all at once."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
