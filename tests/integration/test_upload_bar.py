"""Uploads on a terminal and elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.cli import Terminal, environment

UPLOADS = {
    "local": "from flowhand.filesystems import LocalFileSystem\nstore = LocalFileSystem(basepath='../there')\n",
    "remote": "from flowhand.filesystems import RemoteFileSystem\nstore = RemoteFileSystem(basepath='memory://there')\n",
}


@pytest.fixture(params=UPLOADS)
def program(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A program that puts 30 files into a block."""
    (tmp_path / "code").mkdir()
    for number in range(30):
        (tmp_path / "code" / f"part_{number:02}.py").write_text("x = 1\n")
    path = tmp_path / "upload.py"
    path.write_text(UPLOADS[request.param] + "print('put', store.put_directory())\n")
    return path


def test_a_terminal_shows_how_far_it_is(program: Path, tmp_path: Path) -> None:
    """A bar with the number of files, gone in the end."""
    terminal = Terminal(str(program), env=environment(tmp_path / "home"), cwd=tmp_path / "code", program=sys.executable)
    try:
        terminal.wait_for("put 30")
        assert terminal.end() == 0
    finally:
        terminal.kill()
    assert "Uploading" in terminal.seen
    assert "30/30" in terminal.seen


def test_a_log_does_not(program: Path, tmp_path: Path) -> None:
    """What is no terminal gets nothing but what the program prints."""
    command = [sys.executable, str(program)]
    done = subprocess.run(
        command, cwd=tmp_path / "code", env=environment(tmp_path / "home"), capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("put 30\n", "")
