"""The journal: what is written is there again, torn tails are cut, and it does not grow for ever."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowhand.daemon import journal as journal_module
from flowhand.daemon.journal import Journal, JournalFull
from flowhand.wire.job import key_of
from flowhand.wire.runner import ClaimedRun, StateItem


def claimed(run_id: str = "r", attempt: int = 1) -> ClaimedRun:
    """A run as a claim gives it."""
    return ClaimedRun(
        run_id=run_id, attempt=attempt, run_count=1, name="n", flow_id="f", flow_name="flow", scheduled_us=0, start_in_s=0, lease_s=60
    )


def final(run_id: str = "r", attempt: int = 1, seq: int = 9) -> StateItem:
    """A final state."""
    return StateItem(run_id=run_id, attempt=attempt, seq=seq, type="COMPLETED", name="Completed", at_us=1)


def fill(journal: Journal) -> None:
    """One run with everything that can be known of it."""
    journal.claimed("r.1", claimed(), 123.5)
    journal.started("r.1")
    journal.note("r.1", ("daemon", 1, 5, 20, "w", "said", None))
    journal.hooks("r.1", 200.25)
    journal.marks([("r", 1, "stdout", 40), ("r", 1, "daemon", 1), ("other", 1, "stdout", 4)])
    journal.final("r.1", final())


def test_a_reopened_journal_knows_what_was_written(tmp_path: Path) -> None:
    """Claim, start, note, marks and final state come back."""
    journal = Journal(tmp_path / "journal")
    fill(journal)
    journal.close()
    again = Journal(tmp_path / "journal")
    entry = again.entries["r.1"]
    assert (entry.lease_until, entry.started, entry.marks) == (123.5, True, {"stdout": 40, "daemon": 1})
    assert entry.notes == [("daemon", 1, 5, 20, "w", "said", None)]
    assert (entry.final, entry.hooks_until) == (final(), 200.25)
    again.close()


def test_done_leaves_an_empty_journal(tmp_path: Path) -> None:
    """The file starts over with the last run."""
    journal = Journal(tmp_path / "journal")
    fill(journal)
    journal.done("r.1")
    assert journal.size == 0
    journal.close()
    again = Journal(tmp_path / "journal")
    assert again.entries == {}
    again.close()


def test_a_long_journal_is_rewritten_with_what_is_alive(tmp_path: Path) -> None:
    """Ten thousand runs pass through while one stays: the file stays small, the one is kept whole."""
    journal = Journal(tmp_path / "journal")
    fill(journal)
    for number in range(10_000):
        key = key_of(f"x{number}", 1)
        journal.claimed(key, claimed(f"x{number}"), 1.0)
        journal.done(key)
    assert journal.size < journal_module.COMPACT_BYTES + 10_000
    journal.close()
    again = Journal(tmp_path / "journal")
    assert list(again.entries) == ["r.1"]
    assert again.entries["r.1"].final == final()
    again.close()


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 2000))
def test_a_torn_tail_is_cut_and_the_rest_is_whole(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """Whatever the length at which a write was torn, opening gives a prefix of what was written, and appending goes on from there."""
    path = tmp_path_factory.mktemp("journal") / "journal"
    journal = Journal(path)
    fill(journal)
    journal.close()
    data = path.read_bytes()
    path.write_bytes(data[: max(0, len(data) - cut)])
    again = Journal(path)
    assert set(again.entries) <= {"r.1"}
    again.claimed("s.1", claimed("s"), 1.0)
    again.close()
    third = Journal(path)
    assert third.torn == 0
    assert "s.1" in third.entries
    third.close()


def test_a_flipped_byte_ends_the_replay_before_it(tmp_path: Path) -> None:
    """The checksum catches damage: the record and what follows is not believed."""
    path = tmp_path / "journal"
    journal = Journal(path)
    fill(journal)
    journal.close()
    data = bytearray(path.read_bytes())
    data[-5] ^= 0xFF
    path.write_bytes(data)
    again = Journal(path)
    assert again.entries["r.1"].final is None
    assert again.torn > 0
    again.close()


def test_records_of_another_server_are_set_aside(tmp_path: Path) -> None:
    """The old file is kept under another name and nothing of it is replayed."""
    journal = Journal(tmp_path / "journal")
    fill(journal)
    aside = journal.set_aside("server-1")
    assert aside.stat().st_size > 0
    assert journal.entries == {}
    journal.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A file system of one megabyte."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root (CAP_SYS_ADMIN)")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_on_a_full_disk_the_reserve_is_used_then_claims_are_refused_and_then_there_is_a_reserve_again(small_disk: Path) -> None:
    """What was claimed from the reserve is there after a kill; what found no room is not begun; the next full disk finds a reserve."""
    journal, ballast = Journal(small_disk / "journal"), small_disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    taken = 0
    with contextlib.suppress(JournalFull):
        while taken < 10_000:
            journal.claimed(key_of(f"r{taken}", 1), claimed(f"r{taken}"), 1.0)
            taken += 1
    assert 100 < taken < 10_000
    ballast.unlink()
    assert len(Journal(small_disk / "journal").entries) == taken
    journal.set_room_aside()
    assert (small_disk / "journal.reserve").stat().st_size > 0
