"""OpenSSH's server on a private port of the loopback, with keys made for the test."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

SSHD = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")


def require_sshd() -> str:
    """The path of sshd. Without it the test is skipped on a person's machine and fails in CI."""
    if SSHD is None:
        message = "install openssh-server to run this test"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return SSHD


class SshServer:
    """Runs sshd for this user while the `with` block lasts. `key` is a private key that it lets in; `known_hosts` are lines naming it."""

    def __init__(self, folder: Path, *, passphrase: str = "") -> None:
        self._sshd = require_sshd()
        folder.mkdir(parents=True)
        self._folder = folder
        self.user = getpass.getuser()
        self.key = _make_key(folder / "key", passphrase)
        self._host_key = _make_key(folder / "host_key", "")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.known_hosts = f"[127.0.0.1]:{self.port} {self._host_key.with_suffix('.pub').read_text()}"

    def url(self, path: Path) -> str:
        return f"ssh://{self.user}@127.0.0.1:{self.port}{path}"

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        (self._folder / "authorized_keys").write_text(self.key.with_suffix(".pub").read_text())
        config = self._folder / "config"
        lines = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": self._host_key,
            "AuthorizedKeysFile": self._folder / "authorized_keys",
            "StrictModes": "no",
            "PidFile": "none",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "PermitRootLogin": "yes",
            "Subsystem": "sftp internal-sftp",
        }
        config.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
        self._process = subprocess.Popen([self._sshd, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)
        self._wait_until_it_answers(time.monotonic() + 10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _wait_until_it_answers(self, deadline: float) -> None:
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as talk:
                    assert talk.recv(4) == b"SSH-"
                    return
            except OSError:
                assert self._process.poll() is None, "sshd ended"
                assert time.monotonic() < deadline, "sshd does not answer"
                time.sleep(0.01)


def _make_key(path: Path, passphrase: str) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", path], check=True)
    return path
