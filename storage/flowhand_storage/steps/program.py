"""Programs that steps start: their output line by line into the run's log, its end kept for the step's outputs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from flowhand_storage.errors import CommandFailed
from flowhand_storage.steps.progress import StepRun

_KEPT = 1 << 20


class Output:
    """What programs wrote, the last million characters of each stream; more would not fit where outputs are kept."""

    def __init__(self) -> None:
        self.stdout = ""
        self.stderr = ""

    def add(self, stream: str, line: str) -> None:
        setattr(self, stream, (getattr(self, stream) + line)[-_KEPT:])

    def as_outputs(self) -> dict[str, str]:
        """The step's outputs `stdout` and `stderr`, without blank ends. As they are: a later step may need the token that one fetched."""
        return {"stdout": self.stdout.strip(), "stderr": self.stderr.strip()}


def run_program(run: StepRun, command: Sequence[str], folder: Path, environ: Mapping[str, str], output: Output, *, stream: bool) -> None:
    """Run `command` to its end in `folder`. CommandFailed when there is no such program, or when it does not exit with 0.

    With `stream`, every line goes to the run's log. Being interrupted ends the program and what it started.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
    except OSError as error:
        where = f" in {folder}" if not folder.is_dir() else ""
        raise CommandFailed(f"{run.clean(command[0])} cannot be started{where}: {error.strerror}", 127) from None
    except ValueError:
        raise CommandFailed("a command or its environment holds a NUL character", 127) from None
    readers = [_reader(run, process.stdout, output, "stdout", stream), _reader(run, process.stderr, output, "stderr", stream)]
    try:
        status = process.wait()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        for reader in readers:
            reader.join()
    if status != 0:
        raise CommandFailed(run.clean(f"{command[0]} {_ending(status)}: {_last_line(output)}"), status)


def _reader(run: StepRun, pipe: IO[bytes] | None, output: Output, name: str, stream: bool) -> threading.Thread:
    assert pipe is not None

    def read() -> None:
        with pipe:
            for raw in pipe:
                line = raw.decode(errors="replace")
                output.add(name, line)
                if stream:
                    run.log(line.rstrip("\r\n"))

    thread = threading.Thread(target=read, name=f"step-{name}")
    thread.start()
    return thread


def _ending(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"exited with status {status}"


def _last_line(output: Output) -> str:
    lines = (output.stderr.strip() or output.stdout.strip()).splitlines()
    return lines[-1][:300] if lines else "it said nothing"
