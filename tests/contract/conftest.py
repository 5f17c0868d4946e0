"""The store that tests of its transactions use: once on SQLite, once on PostgreSQL, each on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from flowhand_server.store.store import Store
from support.databases import hears_others, open_store, prepared_database, prepared_file


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """The place of a database with nothing in its tables: a file, or a URL."""
    if request.param == "sqlite":
        return prepared_file(tmp_path / "flowhand.db")
    return prepared_database(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def store(where: Path | str) -> AsyncGenerator[Store]:
    """An open store; closed after the test."""
    opened = open_store(where)
    await hears_others(opened)
    yield opened
    await opened.close()
