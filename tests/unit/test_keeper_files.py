"""Output files: made at the first byte, whole records only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowhand.keeper.files import OutputFile, Reserve


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path, os.O_RDONLY)
    yield fd
    os.close(fd)


def a_file(folder: int) -> OutputFile:
    return OutputFile(folder, "out", lambda lost, why: f"[{lost} {why}]".encode(), Reserve(folder, "reserve"))


def test_there_is_no_file_before_the_first_byte(folder: int, tmp_path: Path) -> None:
    file = a_file(folder)
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    assert file.take(reader) is None
    assert not (tmp_path / "out").exists()
    os.write(writer, b"one")
    assert file.take(reader) == 3
    os.write(writer, b"two")
    assert file.take(reader) == 3
    os.close(writer)
    assert file.take(reader) == 0
    file.close()
    os.close(reader)
    assert (tmp_path / "out").read_bytes() == b"onetwo"


def test_a_file_that_is_there_already_is_never_written_into(folder: int, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"another's")
    file = a_file(folder)
    file.append(b"mine")
    file.close()
    assert (tmp_path / "out").read_bytes() == b"another's"
    assert file.lost == 4


def test_a_pipe_is_spliced_after_the_first_piece_at_the_right_place(folder: int, tmp_path: Path) -> None:
    file = a_file(folder)
    file.append(b"head-")
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    for piece in (b"a" * 60_000, b"b" * 60_000):
        os.write(writer, piece)
        while file.take(reader):
            pass
    assert (tmp_path / "out").read_bytes() == b"head-" + b"a" * 60_000 + b"b" * 60_000
    assert file.size == 120_005
    os.close(reader)
    os.close(writer)
    file.close()


def test_a_reserve_is_given_once_and_taken_again(folder: int, tmp_path: Path) -> None:
    reserve = Reserve(folder, "reserve")
    held = (tmp_path / "reserve").stat().st_blocks
    assert (reserve.release(), reserve.release()) == (True, False)
    assert (tmp_path / "reserve").stat().st_blocks < held
    reserve.refill()
    assert (tmp_path / "reserve").stat().st_blocks == held
