"""Killed in the middle of writing: some seconds of what `make writers` does for five minutes."""

from __future__ import annotations

from pathlib import Path

from crash.writers import STEPS, Acknowledged, look, look_at, play
from support.databases import new_database


def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    """Sixteen writers, a server that is killed every second or two: the database is sound and holds every acknowledged write once."""
    found = play(tmp_path, writers=16, seconds=6, every_s=2, seed=1)
    assert found.wrong == []
    assert found.kills > 1
    assert found.runs > 0
    nobody = look(tmp_path / "server" / "server" / "flowhand.db", {"lost": Acknowledged("lost", len(STEPS), ["a line"])})
    assert len(nobody) == 2, "a lost run and a lost line are seen"


def test_nor_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """There a kill may cut a commit's answer off, and the connections that are left have to end by themselves."""
    database = new_database(postgres_url)
    found = play(tmp_path, writers=16, seconds=4, every_s=1.5, seed=1, postgresql=database)
    assert found.wrong == []
    assert found.kills > 1
    assert found.runs > 0
    assert len(look_at(database, {"lost": Acknowledged("lost", len(STEPS), ["a line"])})) == 2
