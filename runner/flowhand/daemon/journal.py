"""The journal: what the daemon must know about its runs after a kill, in an append-only file.

Before a run is started its claim is written; its final state is written before it is reported; what the server has stored is written as
marks. A record survives a killed daemon as soon as `write` returned; it survives a host crash once `sync` ran, which the reporter calls
when the API cannot take a state at once (while it can, the server's own disk is the durable place). The file starts over whenever no run
is alive in it, and is rewritten when it has grown past COMPACT_BYTES.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from flowhand.wire import records
from flowhand.wire.runner import ClaimedRun, LogLine, Mark, StateItem

COMPACT_BYTES: Final = 4 * 1024 * 1024


@dataclass(slots=True)
class Entry:
    """All the journal knows of one attempt."""

    claimed: ClaimedRun
    lease_until: float
    """CLOCK_BOOTTIME seconds."""
    started: bool = False
    final: StateItem | None = None
    marks: dict[str, int] = field(default_factory=dict[str, int])
    notes: list[LogLine] = field(default_factory=list[LogLine])
    """The daemon's own lines about the run, in order of their seq."""


class Journal:
    """One daemon's journal. Opening replays it and cuts a torn tail; every other method appends one record and changes `entries`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.entries: dict[str, Entry] = {}
        self.torn = 0
        """Bytes cut from the tail at opening; more than zero is worth a word."""
        self._fd, self._size = self._open()

    def set_aside(self, suffix: str) -> Path:
        """Keeps the file under another name and begins an empty one; for records that are not to be replayed."""
        aside = self._path.with_name(f"{self._path.name}.{suffix}")
        self._path.rename(aside)
        os.close(self._fd)
        self.entries = {}
        self._fd, self._size = self._open()
        return aside

    def claimed(self, key: str, claimed: ClaimedRun, lease_until: float) -> None:
        """A run is ours; written before it is started."""
        self.entries[key] = Entry(claimed, lease_until)
        run = claimed.model_dump_json()
        self._append(f'{{"k":"claimed","key":"{key}","until":{lease_until!r},"run":{run}}}'.encode())

    def started(self, key: str) -> None:
        """The launcher has it."""
        self.entries[key].started = True
        self._append(f'{{"k":"started","key":"{key}"}}'.encode())

    def final(self, key: str, item: StateItem) -> None:
        """How it ended; written before it is reported."""
        self.entries[key].final = item
        self._append(f'{{"k":"final","key":"{key}","item":{item.model_dump_json()}}}'.encode())

    def note(self, key: str, line: LogLine) -> None:
        """A line of the daemon's own for the run's log."""
        self.entries[key].notes.append(line)
        self._append(json.dumps({"k": "note", "key": key, "line": line}).encode())

    def marks(self, marks: list[Mark]) -> None:
        """What the server has stored: one record for a whole answer."""
        known = [[f"{run}.{attempt}", stream, seq] for run, attempt, stream, seq in marks if f"{run}.{attempt}" in self.entries]
        for key, stream, seq in known:
            entry = self.entries[str(key)]
            entry.marks[str(stream)] = max(entry.marks.get(str(stream), 0), int(seq))
        if known:
            self._append(json.dumps({"k": "marks", "m": known}).encode())

    def done(self, key: str) -> None:
        """Acknowledged and forgotten. The file starts over when this was the last one."""
        if self.entries.pop(key, None) is None:
            return
        if self.entries:
            self._append(f'{{"k":"done","key":"{key}"}}'.encode())
            if self._size > COMPACT_BYTES:
                self._rewrite()
        else:
            self._rewrite()

    def sync(self) -> None:
        """To the disk itself. Blocks for as long as that takes."""
        os.fdatasync(self._fd)

    def close(self) -> None:
        """Closes the file; what is in it stays."""
        os.close(self._fd)

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._size

    def _append(self, body: bytes) -> None:
        data = records.encode(body)
        written = os.write(self._fd, data)
        if written != len(data):  # a disk that fills up writes short once, then refuses: leave no torn record in the middle
            os.ftruncate(self._fd, self._size)
            os.lseek(self._fd, self._size, os.SEEK_SET)
            raise OSError(28, "no space left for the journal", str(self._path))
        self._size += written

    def _open(self) -> tuple[int, int]:
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = self._replay(fd)
        os.lseek(fd, size, os.SEEK_SET)
        return fd, size

    def _replay(self, fd: int) -> int:
        data = self._path.read_bytes()
        end = 0
        for record in records.decode(data):
            end = record.end
            self._apply(json.loads(record.body))
        self.torn = len(data) - end
        if self.torn:
            os.ftruncate(fd, end)
        return end

    def _apply(self, record: dict[str, Any]) -> None:
        kind = record.get("k")
        if kind == "claimed":
            self.entries[record["key"]] = Entry(ClaimedRun.model_validate(record["run"]), float(record["until"]))
        elif kind == "marks":
            for key, stream, seq in record["m"]:
                if key in self.entries:
                    self.entries[key].marks[stream] = seq
        elif kind == "done":
            self.entries.pop(record["key"], None)
        elif record.get("key") in self.entries:
            self._apply_to(self.entries[record["key"]], kind, record)

    @staticmethod
    def _apply_to(entry: Entry, kind: Any, record: dict[str, Any]) -> None:
        if kind == "started":
            entry.started = True
        elif kind == "final":
            entry.final = StateItem.model_validate(record["item"])
        elif kind == "note":
            stream, seq, stamp, level, name, message, task = record["line"]
            entry.notes.append((stream, seq, stamp, level, name, message, task))

    def _rewrite(self) -> None:
        """Writes what is alive into a new file and puts it in place of the old one."""
        fresh = self._path.with_suffix(".new")
        fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        old, self._fd, self._size = self._fd, fd, 0
        alive, self.entries = self.entries, {}
        for key, entry in alive.items():
            self._write_whole(key, entry)
        if alive:
            os.fdatasync(fd)
        fresh.rename(self._path)
        os.close(old)

    def _write_whole(self, key: str, entry: Entry) -> None:
        self.claimed(key, entry.claimed, entry.lease_until)
        if entry.started:
            self.started(key)
        for line in entry.notes:
            self.note(key, line)
        run, attempt = entry.claimed.run_id, entry.claimed.attempt
        self.marks([(run, attempt, stream, seq) for stream, seq in entry.marks.items()])  # type: ignore[misc]
        if entry.final is not None:
            self.final(key, entry.final)
