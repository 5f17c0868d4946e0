"""`.ci/make-venv`, which `make demo` and `make test` begin with, says in words why no environment can be made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / ".ci" / "make-venv"


def interpreter(path: Path, fails_on: str) -> Path:
    """This very Python, but for programs that hold some text: they fail."""
    path.write_text(f'#!/bin/sh\ncase "$*" in *"{fails_on}"*) exit 1 ;; esac\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return path


def make_venv(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    command = ["/bin/sh", str(SCRIPT), str(folder)]
    return subprocess.run(command, env=kept | environ, capture_output=True, text=True, timeout=60, check=False)


def test_an_interpreter_that_is_too_old_is_named(tmp_path: Path) -> None:
    old = interpreter(tmp_path / "python3.9", fails_on="version_info")
    done = make_venv(tmp_path / "venv", PYTHON=str(old))
    assert (done.returncode, done.stderr) == (1, f"flowhand: PYTHON={old} is not Python 3.11 or later (or cannot be run).\n")


def test_none_that_is_recent_enough_is_said(tmp_path: Path) -> None:
    for name in ("python3", "python3.13", "python3.12", "python3.11"):
        interpreter(tmp_path / name, fails_on="version_info")
    done = make_venv(tmp_path / "venv", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "no Python 3.11 or later was found" in done.stderr
    assert "PYTHON=/path/to/python3.12 make test" in done.stderr


def test_the_second_best_is_taken_where_the_first_is_too_old(tmp_path: Path) -> None:
    interpreter(tmp_path / "python3", fails_on="version_info")
    interpreter(tmp_path / "python3.13", fails_on="ensurepip")
    done = make_venv(tmp_path / "venv", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert "flowhand: python3.13 (" in done.stderr


def test_a_missing_ensurepip_is_said_with_the_package_that_has_it(tmp_path: Path) -> None:
    bare = interpreter(tmp_path / "python3", fails_on="ensurepip")
    done = make_venv(tmp_path / "venv", PYTHON=str(bare))
    assert done.returncode == 1
    assert "has no venv or ensurepip module" in done.stderr
    assert "apt-get install python3-venv" in done.stderr
    assert not (tmp_path / "venv").exists()
