"""The database that the settings mean, opened for one command."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, text

from flowhand.settings import Settings
from flowhand_server.config import ServerConfig
from flowhand_server.place import Place, PlaceTaken, close_to_others
from flowhand_server.store.errors import StoreUnusable
from flowhand_server.store.schema import current_schema, prepare
from flowhand_server.store.sqlite_engine import engine as sqlite_engine
from flowhand_server.store.status import database_of
from flowhand_server.store.tables import SCHEMA

_SERVERS: Final = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'flowhand listener'"
)
"""Each replica has one connection that listens."""


class Database:
    """Where the data is. `progress` is told in words what is being done."""

    def __init__(self, settings: Settings, progress: Callable[[str], None]) -> None:
        self.config = ServerConfig(settings.home, database_url=settings.server_database_url)
        self.name = database_of(self.config)
        self.progress = progress

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database; None for PostgreSQL."""
        return None if self.config.database_url else self.config.directory / "flowhand.db"

    @contextmanager
    def engine(self) -> Generator[Engine]:
        """Connections to it. The folder of a SQLite file is made."""
        made = self._engine()
        try:
            yield made
        finally:
            made.dispose()
            if self.file and self.file.exists():
                self.file.chmod(0o600)

    @contextmanager
    def transaction(self) -> Generator[Connection]:
        """One transaction on a database of this version; a new one is made. StoreUnusable for one that wants an upgrade."""
        with self.engine() as made, made.begin() as conn:
            known = current_schema(conn)
            if known is not None and known < SCHEMA:
                raise StoreUnusable(f"{self.name} has schema {known}, this version wants {SCHEMA}: run `flowhand server database upgrade`")
            prepare(conn, self.name)
            yield conn

    @contextmanager
    def alone(self) -> Generator[None]:
        """Holds a SQLite database for this process. PlaceTaken when a server has the database open, of whichever kind it is."""
        close_to_others(self.config.home)
        with Place(self.config).lock():
            if not self.file:
                self._refuse_beside_servers()
            yield

    def _refuse_beside_servers(self) -> None:
        with self.engine() as made, made.connect() as conn:
            servers = conn.execute(_SERVERS).scalar_one()
        if servers:
            raise PlaceTaken(f"{servers} server(s) have {self.name} open; stop them first")

    def _engine(self) -> Engine:
        if self.file:
            close_to_others(self.config.home)
            return sqlite_engine(self.file)
        # the driver is an extra, and SQLite needs none
        from flowhand_server.store.postgresql_engine import engine as postgresql_engine

        assert self.config.database_url is not None
        return postgresql_engine(self.config.database_url, 1)
