"""The rule that in CI a missing tool is an error (tests/support/ci_skips.py), shown on a real pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]

TESTS_THAT_SKIP = """
import pytest

@pytest.fixture
def tool():
    pytest.skip("needs docker: apt-get install docker.io")

def test_in_its_body():
    pytest.skip("needs git: apt-get install git")

def test_in_a_fixture(tool): ...

@pytest.mark.skipif(True, reason="Windows has no fork")
def test_another_reason(): ...
"""
MODULE_THAT_SKIPS = """
import pytest

pytest.skip("needs kind", allow_module_level=True)
"""


def run(folder: Path, ci: str) -> str:
    (folder / "test_some.py").write_text(TESTS_THAT_SKIP)
    (folder / "test_module.py").write_text(MODULE_THAT_SKIPS)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environ.update(PYTHONPATH=str(TESTS), CI=ci)
    options = ["-p", "support.ci_skips", "-p", "no:cacheprovider", "--continue-on-collection-errors", "--rootdir", str(folder)]
    command = [sys.executable, "-m", "pytest", *options, str(folder)]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False).stdout


def test_in_ci_a_missing_tool_fails_and_is_named_while_other_skips_stay(tmp_path: Path) -> None:
    said = run(tmp_path, ci="true")
    assert "1 failed, 1 skipped, 2 errors in" in said
    for tool in ("git: apt-get install git", "docker: apt-get install docker.io", "kind"):
        assert f"in CI nothing is skipped for want of a tool; this test needs {tool}" in said


def test_elsewhere_a_missing_tool_is_a_skip(tmp_path: Path) -> None:
    assert "4 skipped in" in run(tmp_path, ci="")
