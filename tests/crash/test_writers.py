"""Killed in the middle of writing: some seconds of what `make writers` does for five minutes."""

from __future__ import annotations

from pathlib import Path

from crash.writers import STEPS, Acknowledged, look, play


def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    """Sixteen writers, a server that is killed every second or two: the database is sound and holds every acknowledged write once."""
    found = play(tmp_path, writers=16, seconds=6, every_s=2, seed=1)
    assert found.wrong == []
    assert found.kills > 1
    assert found.runs > 0
    nobody = look(tmp_path / "server" / "server" / "flowhand.db", {"lost": Acknowledged("lost", len(STEPS), ["a line"])})
    assert len(nobody) == 2, "a lost run and a lost line are seen"
