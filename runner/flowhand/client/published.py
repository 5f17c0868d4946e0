"""What the server of a home tells its neighbours: `<home>/server/server.json`, and the token beside it (docs/protocol.md, The home)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from flowhand.errors import ServerUnusable
from flowhand.incarnation import incarnation


@dataclass(frozen=True, slots=True)
class Published:
    """A server that said where it is. It may be gone since."""

    url: str
    pid: int
    version: str
    server_id: str
    embedded: bool
    """Started on demand, by whoever needed it first; else by a person, who ends it as well."""


def server_directory(home: Path) -> Path:
    """Where a home's server keeps its things."""
    return home / "server"


def published_server(home: Path) -> Published | None:
    """What is published, if the process that published it still lives and is ours; else None.

    A port that another user's program took over since must not be sent our token, hence the look at the owner.
    """
    path = server_directory(home) / "server.json"
    try:
        data = json.loads(path.read_bytes())
        published = Published(
            url=str(data["url"]).rstrip("/"),
            pid=int(data["pid"]),
            version=str(data.get("version", "")),
            server_id=str(data.get("server_id", "")),
            embedded=bool(data.get("embedded")),
        )
        said: str | None = data.get("incarnation")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise ServerUnusable(f"{path} cannot be read: it belongs to another user; set FLOWHAND_HOME to a folder of your own") from None
    except (ValueError, KeyError, TypeError):
        return None  # not ours or from another version: the server that starts next replaces it
    return published if _is_ours(published.pid, said) else None


def read_token(home: Path) -> str | None:
    """The token that the home's server wants; None when there is none."""
    path = server_directory(home) / "token"
    try:
        return path.read_text(encoding="ascii").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise ServerUnusable(f"{path} cannot be read: it belongs to another user; set FLOWHAND_HOME to a folder of your own") from None


def _is_ours(pid: int, said: str | None) -> bool:
    """kill(2) with signal 0 succeeds for a process that we may signal: one of the same user. `said` is what it published of itself.

    Where not even we can be told apart from others (no /proc, or one without its boot_id), that must do.
    """
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):
        return False
    found = incarnation(pid)
    if found is None:
        return incarnation(os.getpid()) is None
    return said in (None, found)
