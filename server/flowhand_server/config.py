"""What one server process was told, read once at its start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Durations are seconds."""

    home: Path
    host: str = "127.0.0.1"
    port: int = 4200
    database_url: str | None = None
    embedded: bool = False
    allow_unauthenticated: bool = False
    auth_string: str | None = None
    """`user:password` that clients must send as Basic authentication."""
    token: str | None = None
    """The bearer token that the embedded server wants."""
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
        return self.auth_string is not None or self.token is not None
