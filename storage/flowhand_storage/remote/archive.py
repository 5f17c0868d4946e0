"""Unpacking archives from outside: nothing lands beside the folder, nothing but plain files and folders is made."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from flowhand_storage.errors import FetchFailed, SourceNotFound, UnsafePath
from flowhand_storage.guard import guarded
from flowhand_storage.paths import inside, is_inside
from flowhand_storage.scrub import Redactor

MAX_SIZE = 16 << 30
_CHUNK = 1 << 20

Member = tuple[str, bool, IO[bytes]]
"""A file in an archive: its name, whether it can be executed, and its content."""


def unpack(archive: Path, folder: Path, shown: str, scrub: Redactor, *, subfolder: str = "", max_size: int = MAX_SIZE) -> None:
    """Unpack the zip or tar file `archive` into `folder`, which is empty; of it only `subfolder`, when given.

    UnsafePath for a name that is absolute or leads upward, and for links and devices; SourceNotFound when nothing is in `subfolder`;
    FetchFailed for what is no archive and for one that unpacks to more than `max_size` bytes. `shown` names it in errors.
    """
    guarded(shown, scrub, lambda: _unpack(archive, folder, shown, subfolder, max_size))


def _unpack(archive: Path, folder: Path, shown: str, subfolder: str, left: int) -> None:
    found = False
    for name, executable, content in _read(archive, shown):
        inner = _below(name, subfolder)
        if inner is None:
            continue
        found = True
        target = inside(folder, inner)
        if target.exists():
            raise FetchFailed(f"{shown} has {name!a} twice")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            while chunk := content.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise FetchFailed(f"{shown} unpacks to more than the allowed size")
                file.write(chunk)
        if executable:
            target.chmod(0o755)
    if not found and subfolder:
        raise SourceNotFound(f"{shown} has no files in the folder {subfolder!a}")


def _below(name: str, subfolder: str) -> str | None:
    """`name` as counted from `subfolder`; None when it is elsewhere."""
    path = PurePosixPath(name)
    return str(path.relative_to(subfolder)) if path.is_relative_to(subfolder) else None


def _read(archive: Path, shown: str) -> Iterator[Member]:
    with archive.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    return _read_zip(archive, shown) if is_zip else _read_tar(archive, shown)


def _read_zip(archive: Path, shown: str) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            mode = member.external_attr >> 16
            # The format of the mode is known only when a Unix made the archive; elsewhere it is 0.
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise UnsafePath(f"{shown}: {member.orig_filename!a} is a link or a device")
            _check(member.orig_filename, shown)
            if not member.is_dir():
                with file.open(member) as content:
                    yield member.orig_filename, bool(mode & 0o100), content


def _read_tar(archive: Path, shown: str) -> Iterator[Member]:
    with tarfile.open(archive) as file:
        for member in file:
            _check(member.name, shown)
            if member.isdir():
                continue
            content = file.extractfile(member) if member.isreg() else None
            if content is None:
                raise UnsafePath(f"{shown}: {member.name!a} is a link or a device")
            yield member.name, bool(member.mode & 0o100), content


def _check(name: str, shown: str) -> None:
    """Folders are made as their files need them, but one that is named unsafely is reason enough to refuse the archive."""
    if name.rstrip("/") != "." and not is_inside(name):
        raise UnsafePath(f"{shown}: {name[:120]!a} does not name a file inside its folder")
