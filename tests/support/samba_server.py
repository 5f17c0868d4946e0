"""Samba's file server on a private port of the loopback, with one share and one login."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from support.storage_servers import await_port, free_port

SMBD = shutil.which("smbd", path=os.environ["PATH"] + ":/usr/sbin")
PASSWORD = "".join(["s3cret", "-of-the-share"])


def require_smbd() -> str:
    """The path of smbd. Without it, and for all but root, the test is skipped on a person's machine and fails in CI."""
    if SMBD is None or os.geteuid() != 0:
        message = "install samba and be root to run this test"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return SMBD


class SambaServer:
    """Serves `share` as the share `code` while the `with` block lasts, to `user` with PASSWORD."""

    def __init__(self, folder: Path, share: Path) -> None:
        self._smbd = require_smbd()
        self._folder = folder
        self.user = getpass.getuser()
        self.port = free_port()
        folder.mkdir(parents=True)
        share.mkdir(parents=True, exist_ok=True)
        private = dict.fromkeys((f"{kind} directory" for kind in ("private", "lock", "state", "cache", "pid")), folder)
        options = private | {
            "log file": folder / "log",
            "interfaces": "127.0.0.1/8",
            "bind interfaces only": "yes",
            "disable netbios": "yes",
        }
        options |= {"smb ports": self.port, "load printers": "no", "server role": "standalone"}
        lines = ["[global]", *(f"{name} = {value}" for name, value in options.items()), "[code]", f"path = {share}", "read only = no"]
        self._config = folder / "smb.conf"
        self._config.write_text("\n".join(lines) + "\n")

    def __enter__(self) -> Self:
        login = ["smbpasswd", "-c", str(self._config), "-s", "-a", self.user]
        subprocess.run(login, input=f"{PASSWORD}\n{PASSWORD}\n", text=True, check=True, capture_output=True)
        command = [self._smbd, "--foreground", "--no-process-group", f"--configfile={self._config}"]
        out = subprocess.DEVNULL
        # in a session of its own: it ends its whole process group when it is ended
        self._process = subprocess.Popen(command, stdin=out, stdout=out, stderr=out, start_new_session=True)
        await_port(self.port, "smbd", lambda: self._process.poll() is None)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(10)
