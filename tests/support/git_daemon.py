"""A git server that speaks git's own protocol (git-daemon(1)), to anybody."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from support.storage_servers import await_port, free_port


@contextmanager
def git_daemon(root: Path, host: str = "127.0.0.1") -> Generator[str]:
    """Serves the bare repositories below `root` while the block lasts; the address that their names go behind. `host` is one of ours."""
    folder = subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True).stdout.strip()
    port = free_port()
    # not `git daemon`: that starts this program as another process, which would outlive it
    command = [f"{folder}/git-daemon", "--export-all", f"--base-path={root}", f"--port={port}", "--reuseaddr"]
    command += [f"--listen={one}" for one in {"127.0.0.1", host}]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_port(port, "git-daemon", lambda: process.poll() is None)
        yield f"git://{host}:{port}/"
    finally:
        process.terminate()
        process.wait()
