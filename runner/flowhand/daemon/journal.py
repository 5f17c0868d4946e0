"""The journal: what the daemon must know about its runs after a kill, in an append-only file.

Before a run is started its claim is written; its final state is written before it is reported; what the server has stored is written as
marks. A record survives a killed daemon as soon as `write` returned; it survives a host crash once `sync` ran, which the reporter calls
when the API cannot take a state at once (while it can, the server's own disk is the durable place). The file starts over whenever no run
is alive in it, and is rewritten when it has grown past COMPACT_BYTES.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

from flowhand.daemon.record_file import RecordFile
from flowhand.errors import FlowhandError
from flowhand.wire.runner import ClaimedRun, LogLine, Mark, StateItem

log = structlog.get_logger("flowhand.daemon")

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
    hooks_until: float | None = None
    """The CLOCK_BOOTTIME second at which the process is killed that calls the run's hooks."""


class JournalFull(FlowhandError):
    """There is no room for a claim, which must be on the disk before the run is started."""


class Journal:
    """One daemon's journal. Opening replays it; every other method changes `entries` and appends one record.

    On a full disk a reserve is used up first. Beyond that only `claimed` fails: all else is kept in memory and written when there is room
    again, for it can be found out anew from the runs' files and the server's marks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.entries: dict[str, Entry] = {}
        self.behind = False
        """There is more in memory than in the file."""
        self._file = self._open()

    def set_aside(self, suffix: str) -> Path:
        """Keeps the file under another name and begins an empty one; for records that are not to be replayed."""
        aside = self._path.with_name(f"{self._path.name}.{suffix}")
        self._path.rename(aside)
        self._file.close()
        self.entries = {}
        self._file = self._open()
        return aside

    def claimed(self, key: str, claimed: ClaimedRun, lease_until: float) -> None:
        """A run is ours; written before it is started. JournalFull when it cannot be."""
        entry = Entry(claimed, lease_until)
        if not self._append(_claimed(key, entry)):
            raise JournalFull(f"{self._path}: the disk is full")
        self.entries[key] = entry

    def started(self, key: str) -> None:
        """The launcher has it."""
        self.entries[key].started = True
        self._append(_started(key))

    def final(self, key: str, item: StateItem) -> None:
        """How it ended; written before it is reported."""
        self.entries[key].final = item
        self._append(_final(key, item))

    def note(self, key: str, line: LogLine) -> None:
        """A line of the daemon's own for the run's log."""
        self.entries[key].notes.append(line)
        self._append(_note(key, line))

    def hooks(self, key: str, until: float) -> None:
        """Until when a process calls the run's hooks; written before that is started."""
        self.entries[key].hooks_until = until
        self._append(_hooks(key, until))

    def marks(self, marks: list[Mark]) -> None:
        """What the server has stored: one record for a whole answer."""
        known = [(f"{run}.{attempt}", stream, seq) for run, attempt, stream, seq in marks if f"{run}.{attempt}" in self.entries]
        for key, stream, seq in known:
            entry = self.entries[key]
            entry.marks[stream] = max(entry.marks.get(stream, 0), seq)
        if known:
            self._append(_marks(known))

    def done(self, key: str) -> None:
        """Acknowledged and forgotten. The file starts over when this was the last one."""
        if self.entries.pop(key, None) is None:
            return
        if not self.entries:
            self._file.clear()
            self.behind = False
        elif self._append(f'{{"k":"done","key":"{key}"}}'.encode()) and self._file.size > COMPACT_BYTES:
            self._file.replace(self._alive())

    def set_room_aside(self) -> None:
        """The reserve again, where it was used up and there is room."""
        self._file.set_room_aside()

    def sync(self) -> None:
        """To the disk itself. Blocks for as long as that takes."""
        self._file.sync()

    def close(self) -> None:
        """Closes the file; what is in it stays."""
        self._file.close()

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._file.size

    @property
    def torn(self) -> int:
        """Bytes cut from the tail at opening."""
        return self._file.torn

    def _append(self, body: bytes) -> bool:
        if self.behind:
            self.behind = not self._file.replace(self._alive())
        if not self.behind:
            self.behind = not self._file.append(body)
            if self.behind:
                log.error("The disk is full: what the journal should hold is kept in memory until there is room", file=str(self._path))
        return not self.behind

    def _alive(self) -> Iterator[bytes]:
        for key, entry in self.entries.items():
            yield from _records(key, entry)

    def _open(self) -> RecordFile:
        file = RecordFile(self._path)
        for body in file.take_found():
            self._apply(json.loads(body))
        return file

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
        elif kind == "hooks":
            entry.hooks_until = float(record["until"])
        elif kind == "note":
            stream, seq, stamp, level, name, message, task = record["line"]
            entry.notes.append((stream, seq, stamp, level, name, message, task))


# --- records -------------------------------------------------------------------------------------------------------------------------


def _claimed(key: str, entry: Entry) -> bytes:
    return f'{{"k":"claimed","key":"{key}","until":{entry.lease_until!r},"run":{entry.claimed.model_dump_json()}}}'.encode()


def _started(key: str) -> bytes:
    return f'{{"k":"started","key":"{key}"}}'.encode()


def _final(key: str, item: StateItem) -> bytes:
    return f'{{"k":"final","key":"{key}","item":{item.model_dump_json()}}}'.encode()


def _note(key: str, line: LogLine) -> bytes:
    return json.dumps({"k": "note", "key": key, "line": line}).encode()


def _hooks(key: str, until: float) -> bytes:
    return f'{{"k":"hooks","key":"{key}","until":{until!r}}}'.encode()


def _marks(marks: Sequence[tuple[str, str, int]]) -> bytes:
    return json.dumps({"k": "marks", "m": marks}).encode()


def _records(key: str, entry: Entry) -> Iterator[bytes]:
    """All that is known of one attempt."""
    yield _claimed(key, entry)
    if entry.started:
        yield _started(key)
    for line in entry.notes:
        yield _note(key, line)
    if entry.hooks_until is not None:
        yield _hooks(key, entry.hooks_until)
    if entry.marks:
        yield _marks([(key, stream, seq) for stream, seq in entry.marks.items()])
    if entry.final is not None:
        yield _final(key, entry.final)
