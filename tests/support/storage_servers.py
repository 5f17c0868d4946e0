"""Servers that are Python modules, each as a process of its own that does not outlive this one, however this one ends."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable

_UNTIL_STDIN_ENDS = """
import os, runpy, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""

_PROGRAM_UNTIL_STDIN_ENDS = """
import subprocess, sys
program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
sys.stdin.read()
program.kill()
"""

_started: list[subprocess.Popen[bytes]] = []
"""Kept, so that their standard input stays open until this process is gone."""


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve_module(module: str, *arguments: str, port: int) -> None:
    """Run `module` with the arguments; returns when something answers on `port`."""
    _serve([sys.executable, "-c", _UNTIL_STDIN_ENDS, module, *arguments], module, port)


def serve_program(*command: str, port: int) -> None:
    """The same for a program of another kind."""
    _serve([sys.executable, "-c", _PROGRAM_UNTIL_STDIN_ENDS, *command], command[0], port)


def _serve(command: list[str], name: str, port: int) -> None:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _started.append(process)
    await_port(port, name, lambda: process.poll() is None)


def await_port(port: int, name: str, lives: Callable[[], bool]) -> None:
    """Returns when something answers on a port of the loopback. AssertionError when the program ends first, or after a minute."""
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert lives(), f"{name} ended"
            assert time.monotonic() < deadline, f"{name} does not answer"
            time.sleep(0.02)
