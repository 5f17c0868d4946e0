"""What `flowhand server database check` finds: each kind of damage, on either kind of database, and nothing in a sound one."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from flowhand.wire.states import StateType
from flowhand_server.orchestration.state import propose
from flowhand_server.store.checking import findings
from flowhand_server.store.flow_runs import NewRun, create_flow_run
from flowhand_server.store.postgresql_engine import engine as postgresql_engine
from flowhand_server.store.schema import prepare
from flowhand_server.store.sqlite_engine import engine as sqlite_engine
from flowhand_server.store.tables import SCHEMA
from support.databases import make_flow, make_pool, prepared_database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Engine]:
    """One with a run and a pool in it, opened so that no key is enforced any more."""
    file = tmp_path / "flowhand.db"
    url = prepared_database(request.getfixturevalue("postgres_url")) if request.param == "postgresql" else None
    strict = postgresql_engine(url, 1) if url else sqlite_engine(file)
    with strict.begin() as conn:
        prepare(conn, "here")
        create_flow_run(conn, NewRun(make_flow(conn), propose(StateType.PENDING)), 1)
        make_pool(conn)
    strict.dispose()
    lax = postgresql_engine(url, 1) if url else create_engine(f"sqlite:///{file}")
    yield lax
    lax.dispose()


def damage(database: Engine, statement: str) -> None:
    with database.begin() as conn:
        if conn.dialect.name == "postgresql":
            conn.execute(text("SET session_replication_role = replica"))
        conn.execute(text(statement))


def found(database: Engine) -> dict[str, dict[str, Any]]:
    """The checks that found something."""
    said: list[str] = []
    with database.connect() as conn:
        all_of_them = list(findings(conn, said.append))
    assert said
    return {one["check"]: one for one in all_of_them if one["found"]}


def test_a_sound_database_passes(database: Engine) -> None:
    assert found(database) == {}


@pytest.mark.parametrize(
    ("check", "statement"),
    [
        ("every flow run has its state", "DELETE FROM flow_run_state"),
        ("every state of a run is the run's own", "UPDATE flow_run SET state_type = 'FAILED'"),
        ("foreign keys hold", "DELETE FROM flow"),
        ("every work pool has its default queue", "UPDATE work_pool SET default_queue_id = 'gone'"),
        (f"the schema is {SCHEMA}", "ALTER TABLE variable DROP COLUMN tags"),
        (f"the schema is {SCHEMA}", "UPDATE alembic_version SET version_num = '0001'"),
    ],
)
def test_damage_is_found(database: Engine, check: str, statement: str) -> None:
    """Named, with an example and what to do."""
    damage(database, statement)
    one = found(database)[check]
    assert not one["sound"]
    assert one["examples"]
    assert one["do"]


def test_what_a_server_mends_is_harmless(database: Engine) -> None:
    """Lines of runs that are gone, and leases that outlived their run."""
    damage(database, "INSERT INTO log (flow_run_id, timestamp, level, name, message) VALUES ('gone', 1, 20, 'x', 'y')")
    damage(
        database,
        "INSERT INTO lease (flow_run_id, attempt, session_id, claimed_at, due, expires_at) SELECT id, 1, 's', 1, 1, 1 FROM flow_run",
    )
    damage(database, "UPDATE flow_run SET state_type = 'COMPLETED'")
    damage(database, "UPDATE flow_run_state SET type = 'COMPLETED'")
    noted = found(database)
    assert set(noted) == {"every log line belongs to a run", "no lease is held on a run that has ended"}
    assert all(one["sound"] for one in noted.values())


def test_a_broken_index_is_found(database: Engine) -> None:
    """An index of PostgreSQL that was left invalid; pages of a SQLite file are the test of the command."""
    if database.dialect.name == "sqlite":
        pytest.skip("PostgreSQL's")
    damage(database, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_flow_run_name'::regclass")
    assert found(database)["indexes are valid"]["examples"] == ["ix_flow_run_name"]
