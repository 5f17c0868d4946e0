"""`flowhand server database …` and the migrations behind it, on databases that earlier releases left behind, sound and damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, MetaData, Table, create_engine, select, text

from flowhand.wire.states import StateType
from flowhand_server.orchestration.state import propose
from flowhand_server.store.flow_runs import NewRun, create_flow_run
from flowhand_server.store.postgresql_engine import engine as postgresql_engine
from flowhand_server.store.schema import prepare
from flowhand_server.store.sqlite_engine import engine as sqlite_engine
from flowhand_server.store.tables import SCHEMA
from support.cli import Ended, environment, flowhand
from support.databases import make_flow, new_database
from support.rest import Rest
from support.server import running_server

SNAPSHOTS = sorted((Path(__file__).parents[1] / "contract" / "snapshots").glob("*.sql"))


@dataclass
class Place:
    """A home and its database, of either kind."""

    home: Path
    url: str | None

    @property
    def file(self) -> Path:
        return self.home / "server" / "flowhand.db"

    @property
    def more(self) -> dict[str, str]:
        return {"FLOWHAND_SERVER_DATABASE_URL": self.url} if self.url else {}

    def command(self, *words: str) -> Ended:
        """`flowhand server database WORDS`."""
        return flowhand("server", "database", *words, env=environment(self.home, **self.more))

    def engine(self) -> Engine:
        """Plain connections: no foreign keys are enforced on SQLite."""
        return postgresql_engine(self.url, 1) if self.url else create_engine(f"sqlite:///{self.file}")

    def do(self, *statements: str) -> None:
        """Runs statements as one who may do anything, past every key."""
        with self.engine().begin() as conn:
            if self.url:
                conn.execute(text("SET session_replication_role = replica"))
            for statement in statements:
                conn.execute(text(statement))

    def load(self, snapshot: Path) -> None:
        """Fills the empty database with what a release left behind."""
        if self.url:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(snapshot.read_bytes())
            return
        self.file.parent.mkdir(parents=True)
        with closing(sqlite3.connect(self.file)) as connection:
            connection.executescript(snapshot.read_text())

    def rows(self, columns: dict[str, list[str]] | None = None) -> tuple[dict[str, list[str]], dict[str, list[Any]]]:
        """The columns of each table (those asked for, else all), and what is in them."""
        metadata = MetaData()
        with self.engine().connect() as conn:
            metadata.reflect(conn)
            tables = {name: table for name, table in metadata.tables.items() if name != "alembic_version"}
            wanted = columns or {name: [column.name for column in table.columns] for name, table in tables.items()}
            return wanted, {name: sorted(map(repr, conn.execute(_selected(tables[name], wanted[name])))) for name in wanted}


def _selected(table: Table, columns: list[str]) -> Any:
    return select(*(table.c[name] for name in columns))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty one."""
    return place_of(request.param, tmp_path, request)


def place_of(kind: str, home: Path, request: pytest.FixtureRequest) -> Place:
    return Place(home, new_database(request.getfixturevalue("postgres_url")) if kind == "postgresql" else None)


@pytest.fixture
def made(place: Place) -> Place:
    """A database of this version, with a run in it."""
    place.file.parent.mkdir(parents=True)
    made = postgresql_engine(place.url, 1) if place.url else sqlite_engine(place.file)
    with made.begin() as conn:
        prepare(conn, "here")
        create_flow_run(conn, NewRun(make_flow(conn), propose(StateType.PENDING)), 1)
    made.dispose()
    return place


@pytest.fixture
def served(place: Place) -> Iterator[Place]:
    """One that a server has open."""
    with running_server(place.home, environ=place.more):
        yield place


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")  # of an index by an expression
@pytest.mark.parametrize("snapshot", SNAPSHOTS, ids=lambda path: path.stem)
def test_every_released_schema_comes_up_to_date(snapshot: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """By the command; not a row is lost or changed, and a server goes on with it."""
    schema, kind = snapshot.stem.split(".")
    place = place_of(kind, tmp_path, request)
    place.load(snapshot)
    columns, before = place.rows()
    checked = place.command("check", "-o", "json")
    assert (checked.code, checked.json["sound"]) == (1, False)
    assert "database upgrade" in str(checked.json["checks"])
    upgraded = place.command("upgrade", "-y", "-o", "json")
    assert upgraded.code == 0, upgraded.out + upgraded.err
    assert (upgraded.json["from"], upgraded.json["to"]) == (schema, SCHEMA)
    after = place.rows(columns)[1]
    assert set(before.pop("meta")) <= set(after.pop("meta"))  # where a migration may leave word for the servers
    assert after == before
    assert place.command("check").code == 0
    with running_server(place.home, environ=place.more) as server:
        rest = Rest(server.url)
        assert {flow["tags"][0] for flow in rest.made("/flows/filter")} == {"a"}
        assert rest.read("/variables/name/v")["value"] == {"deep": [1, None]}
        (deployment,) = rest.made("/deployments/filter")
        rest.run(deployment)


def test_nobody_upgrades_or_deletes_under_a_running_server(served: Place) -> None:
    """Refused, with what to do first; looking is allowed."""
    assert served.command("check").code == 0
    served.do("UPDATE alembic_version SET version_num = '0001'")
    for words in (("upgrade", "-y"), ("reset", "-y")):
        refused = served.command(*words)
        assert refused.code == 1
        assert "stop" in refused.err
        assert len(refused.err.splitlines()) == 1
    with served.engine().connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM block_type")).scalar_one() > 0


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")  # of an index by an expression
def test_reset_wants_to_be_sure(made: Place) -> None:
    """Without a terminal only `-y` will do; then nothing is left, and the database is one again."""
    assert made.command("reset").code == 2
    assert len(made.rows()[1]["flow_run"]) == 1
    assert made.command("reset", "-y").code == 0
    assert {name for name, rows in made.rows()[1].items() if rows} == {"meta"}
    assert made.command("check").code == 0


def test_a_newer_schema_is_left_alone(made: Place) -> None:
    """Refused with what to do."""
    made.do("UPDATE alembic_version SET version_num = '9999'")
    refused = made.command("upgrade", "-y")
    assert (refused.code, "newer version" in refused.err) == (2, True)
    assert "install the version" in made.command("check").out


def test_damage_is_told(made: Place) -> None:
    """With what to do, and an exit code for scripts; what is harmless is a note."""
    made.do("INSERT INTO log (flow_run_id, timestamp, level, name, message) VALUES ('gone', 1, 20, 'x', 'y')")
    sound = made.command("check")
    assert (sound.code, "note" in sound.out) == (0, True)
    made.do("DELETE FROM flow_run_state")
    damaged = made.command("check")
    assert (damaged.code, "WRONG every flow run has its state" in damaged.out) == (1, True)
    assert "flowhand flow-run delete" in damaged.out


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    """A page overwritten in the middle."""
    place = Place(tmp_path, None)
    with running_server(place.home) as server:
        server.stop()
    with place.file.open("r+b") as file:
        file.seek(40 * 4096)
        file.write(b"\xff" * 8192)
    ended = place.command("check")
    assert ended.code in {1, 2}
    assert "backup" in ended.out + ended.err


def test_no_database_is_made_by_looking(tmp_path: Path) -> None:
    """`check` in an empty home."""
    ended = Place(tmp_path, None).command("check")
    assert (ended.code, "flowhand server start" in ended.err) == (2, True)
    assert not (tmp_path / "server").exists()
