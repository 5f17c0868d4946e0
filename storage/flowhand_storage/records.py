"""What is known of a finished folder, kept beside it."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

LOCK_SUFFIX = ".lock"
RECORD_SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class Record:
    """`about` is for people, `stamp` is the folder's state as of `trees.read_tree`, `size` bytes, `built` seconds since the epoch."""

    about: str
    stamp: str
    size: int
    built: float


def beside(folder: Path, suffix: str) -> Path:
    """The file that stands beside `folder` under its name and this suffix."""
    return folder.parent / (folder.name + suffix)


def has_record(folder: Path) -> bool:
    return beside(folder, RECORD_SUFFIX).is_file()


def read_record(folder: Path) -> Record | None:
    """The record beside `folder`; None when there is none, or none that can be read (then the folder counts as half built)."""
    try:
        return Record(**json.loads(beside(folder, RECORD_SUFFIX).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_record(folder: Path, record: Record) -> None:
    """Put `record` beside `folder`, whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=folder.parent, prefix=".record-")
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(record), file)
    Path(name).replace(beside(folder, RECORD_SUFFIX))


def last_used(folder: Path) -> float | None:
    """When `folder` was last noted as used, in seconds since the epoch; None when it has no record."""
    try:
        return beside(folder, RECORD_SUFFIX).stat().st_mtime
    except FileNotFoundError:
        return None


def touch_record(folder: Path) -> None:
    """Note that `folder` is used now. Its record may be gone: then there is nothing to note."""
    try:
        os.utime(beside(folder, RECORD_SUFFIX))
    except FileNotFoundError:
        return
