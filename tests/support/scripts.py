"""Plain scripts that call flows, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

PREAMBLE = "from flowhand import flow, get_run_logger, task\nimport asyncio, os, sys, time\n"


@contextmanager
def script(directory: Path, code: str, **environ: str) -> Generator[subprocess.Popen[str]]:
    """The running script. It has a home of its own in `directory` unless it is given one, and no API but what `environ` says."""
    path = directory / "script.py"
    path.write_text(PREAMBLE + dedent(code))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWHAND_", "PREFECT_"))}
    environment = {**kept, "FLOWHAND_HOME": str(directory / "home"), **environ}
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, str(path)], cwd=directory, env=environment, text=True, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def run_script(directory: Path, code: str, **environ: str) -> tuple[str, str]:
    """What a script prints, and what it says on stderr. AssertionError when it fails or takes a minute."""
    with script(directory, code, **environ) as process:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        return out, err
