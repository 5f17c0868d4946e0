"""The schema: the same whether it is made at once or by migrations, on every kind of database."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, text

from flowhand.clock import SystemClock
from flowhand_server.store.errors import StoreUnusable
from flowhand_server.store.migrating import configuration
from flowhand_server.store.name_again import AFTER_US, is_due
from flowhand_server.store.name_candidates import candidates
from flowhand_server.store.postgresql_engine import engine as postgresql_engine
from flowhand_server.store.schema import current_schema, prepare, server_id
from flowhand_server.store.sqlite_engine import engine as sqlite_engine
from flowhand_server.store.tables import SCHEMA, metadata
from support.databases import new_database

# SQLite reports no expressions of an index, so such a one cannot be compared
pytestmark = pytest.mark.filterwarnings("ignore:.*expression-based ind")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Engine]:
    if request.param == "sqlite":
        made = sqlite_engine(tmp_path / "flowhand.db")
    else:
        made = postgresql_engine(new_database(request.getfixturevalue("postgres_url")), 2)
    yield made
    made.dispose()


def differences(conn: Connection) -> list[object]:
    """What separates the database from the tables that the program knows."""
    found = compare_metadata(MigrationContext.configure(conn), metadata)
    return [change for change in found if not _is_expression_index(change)]


def _is_expression_index(change: object) -> bool:
    # SQLite reports no expressions of an index, so Alembic cannot compare such a one
    return isinstance(change, tuple) and change[0] in {"add_index", "remove_index"} and "(" in str(change[1].expressions)


def test_a_new_database_has_the_tables(database: Engine) -> None:
    """All of them, the current revision, and an id of its own."""
    with database.begin() as conn:
        prepare(conn, "here")
    with database.begin() as conn:
        assert current_schema(conn) == SCHEMA
        assert len(server_id(conn)) == 36
        assert differences(conn) == []


def test_migrations_make_the_same(database: Engine) -> None:
    """From nothing to the newest revision."""
    with database.begin() as conn:
        command.upgrade(configuration(conn), "head")
    with database.begin() as conn:
        assert current_schema(conn) == SCHEMA
        assert differences(conn) == []


def test_preparing_twice_changes_nothing(database: Engine) -> None:
    """Every start does it."""
    with database.begin() as conn:
        prepare(conn, "here")
        first = server_id(conn)
    with database.begin() as conn:
        prepare(conn, "here")
        assert server_id(conn) == first


def test_a_newer_schema_is_refused(database: Engine) -> None:
    """With where it is and what to do."""
    with database.begin() as conn:
        prepare(conn, "here")
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnusable, match="here was made by a newer version"), database.begin() as conn:
        prepare(conn, "here")


def test_names_of_runs_that_there_were_are_found(database: Engine) -> None:
    """After an upgrade from a schema without an index of names they are all in line for it, the oldest first."""
    with database.begin() as conn:
        command.upgrade(configuration(conn), "0006")
        conn.execute(text("INSERT INTO flow (id, created, updated, name) VALUES ('f', 1, 1, 'f')"))
        for run, name in (("2", "b-needle"), ("1", "a-needle"), ("3", "other")):
            values = {"id": run, "name": name}
            conn.execute(text("INSERT INTO flow_run (id, created, updated, name, flow_id) VALUES (:id, 1, 1, :name, 'f')"), values)
        prepare(conn, "here")
    with database.begin() as conn:
        assert [tuple(row) for row in conn.execute(text("SELECT number, flow_run_id FROM name_tail ORDER BY number"))] == [
            (1, "1"),
            (2, "2"),
            (3, "3"),
        ]
        assert candidates(conn, "needle") == ["1", "2"]
        older_servers_may_go_on = database.dialect.name == "postgresql"
        assert is_due(conn, SystemClock().now_us() + 2 * AFTER_US) == older_servers_may_go_on
        assert not is_due(conn, SystemClock().now_us())
