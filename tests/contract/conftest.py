"""The store that tests of its transactions use: once on SQLite, once on PostgreSQL, each on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from flowhand_server.store.postgresql_engine import engine as postgresql_engine
from flowhand_server.store.sqlite_engine import engine as sqlite_engine
from flowhand_server.store.store import Store
from support.databases import hears_others, open_store, prepared_database, prepared_file


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """The place of a database with nothing in its tables: a file, or a URL."""
    if request.param == "sqlite":
        return prepared_file(tmp_path / "flowhand.db")
    return prepared_database(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Engine]:
    """For tests that only look: one database for all of a file, without a store around it."""
    made: Engine
    if request.param == "sqlite":
        made = sqlite_engine(prepared_file(tmp_path_factory.mktemp("engine") / "flowhand.db"))
    else:
        made = postgresql_engine(prepared_database(request.getfixturevalue("postgres_url")), 1)
    yield made
    made.dispose()


@pytest.fixture
async def store(where: Path | str) -> AsyncGenerator[Store]:
    """An open store; closed after the test."""
    opened = open_store(where)
    await hears_others(opened)
    yield opened
    await opened.close()
