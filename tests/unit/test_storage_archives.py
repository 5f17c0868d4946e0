"""Archives from outside: what is unpacked, and what is refused."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from flowhand_storage.errors import FetchFailed, SourceNotFound, UnsafePath
from flowhand_storage.remote.archive import unpack
from flowhand_storage.scrub import Scrubber
from support.storage_files import read_files

Make = Callable[[Path, list[tuple[str, str]]], Path]


def make_zip(folder: Path, files: list[tuple[str, str]]) -> Path:
    path = folder / "code.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files:
            archive.writestr(zipfile.ZipInfo(name), text)
    return path


def make_tar(folder: Path, files: list[tuple[str, str]]) -> Path:
    path = folder / "code.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files:
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def unpacked(archive: Path, folder: Path, subfolder: str = "", max_size: int = 1000) -> dict[str, str]:
    target = folder / "unpacked"
    target.mkdir()
    unpack(archive, target, "the archive", Scrubber(), subfolder=subfolder, max_size=max_size)
    return read_files(target)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_unpacks(tmp_path: Path, make: Make) -> None:
    """Files, also in folders, also empty, also under names that begin with ./"""
    archive = make(tmp_path, [("flow.py", "1"), ("deep/er/part.py", "2"), ("./empty", "")])
    assert unpacked(archive, tmp_path) == {"flow.py": "1", "deep/er/part.py": "2", "empty": ""}


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_one_folder_of_it(tmp_path: Path, make: Make) -> None:
    """Of an archive with one folder at its top, that folder's content."""
    archive = make(tmp_path, [("repo-main/flow.py", "1"), ("repo-main/a/b", "2"), ("repo-main-not", "3")])
    assert unpacked(archive, tmp_path, "repo-main") == {"flow.py": "1", "a/b": "2"}


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_folder_that_is_not_in_it(tmp_path: Path, make: Make) -> None:
    """Nothing to unpack is an error that names the folder."""
    with pytest.raises(SourceNotFound, match="nowhere"):
        unpacked(make(tmp_path, [("flow.py", "1")]), tmp_path, "nowhere")


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../up", "a/../../up", "..", "a/..", "a\\..\\up", "C:\\x", "nl\n", "bell\x07", "../folder/", "/"]
)
def test_unsafe_names(tmp_path: Path, make: Make, name: str) -> None:
    """Absolute, upward and unprintable names are refused, and nothing lands outside."""
    with pytest.raises(UnsafePath):
        unpacked(make(tmp_path, [("fine", "1"), (name, "2")]), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["unpacked", *(p.name for p in tmp_path.glob("code.*"))])


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_links_and_devices_in_tar(tmp_path: Path, kind: bytes) -> None:
    """Nothing but files and folders is made."""
    member = tarfile.TarInfo("link")
    member.type, member.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "code.tar", "w") as archive:
        archive.addfile(member)
    with pytest.raises(UnsafePath, match="link"):
        unpacked(tmp_path / "code.tar", tmp_path)


def test_links_in_zip(tmp_path: Path) -> None:
    """A zip's symbolic link is a file with a mode: refused by the mode."""
    member = zipfile.ZipInfo("link")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(UnsafePath, match="link"):
        unpacked(tmp_path / "code.zip", tmp_path)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_more_than_allowed(tmp_path: Path, make: Make) -> None:
    """An archive that unpacks to far more than its size is stopped."""
    with pytest.raises(FetchFailed, match="more than"):
        unpacked(make(tmp_path, [("bomb", "0" * 1001)]), tmp_path)


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice(tmp_path: Path, make: Make) -> None:
    """Two files of one name: which is meant cannot be known."""
    with pytest.raises(FetchFailed, match="same"):
        unpacked(make(tmp_path, [("same", "1"), ("same", "2")]), tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04 rubbish", b"no archive at all", b"\x1f\x8b broken"])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    """Told in one line, without the library's traceback."""
    (tmp_path / "code.zip").write_bytes(content)
    with pytest.raises(FetchFailed, match="the archive") as caught:
        unpacked(tmp_path / "code.zip", tmp_path)
    assert caught.value.__context__ is None


def test_programs_stay_programs(tmp_path: Path) -> None:
    """The bit that makes a file executable is kept, no other."""
    member = tarfile.TarInfo("run.sh")
    member.mode = 0o6777
    with tarfile.open(tmp_path / "code.tar", "w") as archive:
        archive.addfile(member)
    unpacked(tmp_path / "code.tar", tmp_path)
    assert stat.S_IMODE((tmp_path / "unpacked" / "run.sh").stat().st_mode) == 0o755
