"""`make demo`: what a first user does, start to end, and whether it went well.

Serves examples/quickstart.py in the background, runs one of its deployments from a second command and watches it, then ends everything as
Ctrl-C would and looks whether anything stayed behind. Home, database and logs are under .demo/, or the folder that is given as argument,
which is emptied first. Exits with 1 when anything is wrong. Standard library only, and only by the commands that a user types.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Final

ROOT: Final = Path(__file__).resolve().parent.parent
HOME: Final = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else ROOT / ".demo"
DEPLOYMENT: Final = "fast-flow/fast"
SERVING_S: Final = 60.0
LEAVING_S: Final = 30.0
ASK_AGAIN_S: Final = 3.0
"""Ctrl-C lets running flows end; the demo asks a second time after this, since a sleeper may be in the middle of its minute."""


class DemoFailed(Exception):
    """What went wrong, in one line."""


def environment() -> dict[str, str]:
    """The caller's, without settings of the caller's own and with the demo's home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWHAND", "PREFECT"))}
    binaries = str(Path(sys.executable).parent)
    return kept | {
        "FLOWHAND_HOME": str(HOME),
        "FLOWHAND_LOG_FORMAT": "console",
        "PYTHONUNBUFFERED": "1",
        "PATH": binaries + os.pathsep + kept.get("PATH", os.defpath),
    }


class Served:
    """The quickstart, running as it would in a first terminal; its output is shown and kept."""

    def __init__(self) -> None:
        command = [sys.executable, "examples/quickstart.py"]
        say(f"$ python {command[1]} &")
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        assert self._process.stdout is not None, "asked for a pipe"
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, output: IO[str]) -> None:
        with (HOME / "serve.log").open("w", encoding="utf-8") as log:
            for line in output:
                print(f"    serve │ {line}", end="", flush=True)
                log.write(line)
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_for(self, words: str, seconds: float) -> None:
        """Until a line holds `words`; DemoFailed when that takes longer or the program ends before."""

        def there() -> bool:
            return any(words in line for line in self._lines) or self._process.poll() is not None

        with self._news:
            self._news.wait_for(there, seconds)
        if not any(words in line for line in self._lines):
            raise DemoFailed(f"the quickstart did not say {words!r} within {seconds:g} s")

    def interrupt(self) -> None:
        """Ctrl-C, and once more when runs are still going; DemoFailed when it does not leave cleanly."""
        say("^C (in the first terminal)")
        for seconds in (ASK_AGAIN_S, LEAVING_S):
            self._process.send_signal(signal.SIGINT)
            try:
                code = self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            self._reader.join(ASK_AGAIN_S)
            if code != 0:
                raise DemoFailed(f"the quickstart left with exit code {code}")
            return
        raise DemoFailed(f"the quickstart did not leave within {ASK_AGAIN_S + LEAVING_S:g} s of Ctrl-C")

    def kill(self) -> None:
        """The last resort, when something has failed."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def flowhand(*arguments: str) -> str:
    """Runs a command as in a second terminal, shows its output and gives it back; DemoFailed when its exit code is not 0."""
    shown = " ".join(f"'{word}'" if " " in word else word for word in arguments)
    say(f"$ flowhand {shown}")
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "flowhand"), *arguments],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None, "asked for a pipe"
    lines: list[str] = []
    watchdog = threading.Timer(120.0, process.kill)
    watchdog.start()
    for line in process.stdout:
        print(f"    {line}", end="", flush=True)
        lines.append(line)
    code = process.wait()
    watchdog.cancel()
    if code != 0:
        raise DemoFailed(f"`flowhand {shown}` ended with exit code {code}")
    return "".join(lines)


def ours() -> list[str]:
    """Processes of the demo's home that are alive, as `pid command`. Empty where there is no /proc."""
    found: list[str] = []
    wanted = f"FLOWHAND_HOME={HOME}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int(folder.name) != os.getpid() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                if command:  # a zombie has none
                    found.append(f"{folder.name} {command}")
        except OSError:  # it has just gone, or is another user's
            continue
    return found


def await_none_left(seconds: float) -> None:
    """Until no process of the demo is alive; DemoFailed names those that are."""
    deadline = time.monotonic() + seconds
    while left := ours():
        if time.monotonic() > deadline:
            raise DemoFailed("processes were left behind: " + "; ".join(left))
        time.sleep(0.05)


def end_all() -> None:
    """After a failure: nothing of the demo stays."""
    for line in ours():
        try:
            os.kill(int(line.split()[0]), signal.SIGKILL)
        except ProcessLookupError:
            continue


def say(words: str) -> None:
    """A line of the demo's own."""
    print(f"\n{words}", flush=True)


def demo() -> None:
    """The whole story; DemoFailed when it does not go as told."""
    served = Served()
    try:
        served.wait_for("Ctrl-C to stop", SERVING_S)
        watched = flowhand("deployment", "run", DEPLOYMENT, "--watch")
        if "Completed" not in watched:
            raise DemoFailed("the watched run was not seen to complete")
        listed = flowhand("flow-run", "ls", "--deployment", DEPLOYMENT, "--state", "Completed")
        if "fast-flow" not in listed:
            raise DemoFailed("the run is not in the list of completed runs")
        served.interrupt()
    finally:
        served.kill()
    flowhand("server", "stop")
    await_none_left(LEAVING_S)


def main() -> int:
    """Runs the demo in a fresh home; the exit code."""
    for line in ours():
        print(f"flowhand: a demo is running already, or was killed: {line}", file=sys.stderr)
        return 1
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(mode=0o700)
    began = time.monotonic()
    try:
        demo()
    except (DemoFailed, KeyboardInterrupt) as error:
        end_all()
        print(f"\nflowhand: the demo failed: {error or 'interrupted'}; what was said is in {HOME}", file=sys.stderr)
        return 1
    say(f"All went well, in {time.monotonic() - began:.1f} s; nothing was left behind. State and logs are in {HOME}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
