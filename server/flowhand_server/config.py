"""What one server process was told, read once at its start."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Durations are seconds."""

    home: Path
    host: str = "127.0.0.1"
    port: int = 4200
    database_url: str | None = None
    embedded: bool = False
    allow_unauthenticated: bool = False
    auth_string: str | None = field(default=None, repr=False)
    """`user:password` that clients must send as Basic authentication."""
    token: str | None = field(default=None, repr=False)
    """The bearer token by which the programs of this home are known; on an embedded server, and on one that asks for keys."""
    keyed: bool = False
    """Whether the database holds keys: then every request is asked for one, or for the other credentials."""
    secrets_key: str | None = field(default=None, repr=False)
    """What the secrets of blocks are encrypted with; None: a file of the home."""
    csrf: bool = False
    csrf_key: str = field(default="", repr=False)
    """What CSRF tokens are signed with."""
    allowed_hosts: tuple[str, ...] = ()
    """Names beside those of the loopback that requests may be addressed to."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses whose word on where a request came from is believed."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    lease_s: float = 60.0
    margin_s: float = 10.0
    grace_s: float = 3600.0
    heartbeat_s: float = 10.0
    idle_exit_s: float = 60.0
    retention_days: float = 30.0
    server_id: str = ""
    version: str = "0"
    """Of the installed package."""

    @property
    def directory(self) -> Path:
        """Where the server keeps its things."""
        return self.home / "server"

    @property
    def guarded(self) -> bool:
        """Whether a request must say who it is."""
        return self.auth_string is not None or self.token is not None or self.keyed
