"""Servers that are Python modules, each as a process of its own that does not outlive this one, however this one ends."""

from __future__ import annotations

import socket
import subprocess
import sys
import time

_UNTIL_STDIN_ENDS = """
import os, runpy, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
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
    command = [sys.executable, "-c", _UNTIL_STDIN_ENDS, module, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _started.append(process)
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert process.poll() is None, f"{module} ended"
            assert time.monotonic() < deadline, f"{module} does not answer"
            time.sleep(0.02)
