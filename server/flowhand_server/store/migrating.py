"""Bringing an older database up to date, with Alembic. Imported only when that is needed: it takes 0.2 s and 15 MB to load."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from .errors import StoreUnusable

DIRECTORY: Final = Path(__file__).parent / "migrations"


def upgrade(conn: Connection, known: str, where: str) -> None:
    """Runs the migrations from `known` to the newest, within the caller's transaction. StoreUnusable for a revision we do not have."""
    config = configuration(conn)
    try:
        ScriptDirectory.from_config(config).get_revision(known)
    except CommandError:
        raise StoreUnusable(f"{where} was made by a newer version (schema {known}); install that version, or restore a backup") from None
    command.upgrade(config, "head")


def revisions_after(conn: Connection, known: str | None) -> list[tuple[str, str]]:
    """The migrations that an upgrade from `known` runs, in order: revision and what it does. None for a new database, which needs none."""
    if known is None:
        return []
    steps = ScriptDirectory.from_config(configuration(conn)).walk_revisions("base", "heads")
    later = [(step.revision, (step.doc or "").rstrip(".")) for step in steps if step.revision > known]
    return later[::-1]


def configuration(conn: Connection) -> Config:
    """Alembic's configuration for migrations on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(DIRECTORY).replace("%", "%%"))
    config.attributes["connection"] = conn
    return config
