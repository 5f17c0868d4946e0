"""A real systemd, as a user manager of our own, on a machine whose first process is something else. Needs root for a mount namespace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from support.worker import wait_for

MANAGER: Final = "/lib/systemd/systemd"
START_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Manager:
    """A manager that answers. Units are files in `units`."""

    units: Path
    environ: dict[str, str]

    def ctl(self, *arguments: str) -> str:
        """What `systemctl` says. AssertionError with its own words when it fails."""
        done = self._ctl(*arguments)
        assert done.returncode == 0, (
            f"systemctl {' '.join(arguments)}: {done.stderr}{self._ctl('status', arguments[-1], '--no-pager').stdout}"
        )
        return done.stdout.strip()

    def show(self, unit: str, what: str) -> str:
        """One property of a unit."""
        return self.ctl("show", "--value", f"--property={what}", unit)

    @property
    def answers(self) -> bool:
        """Whether it is up."""
        return self._ctl("show", "--property=Version").returncode == 0

    def _ctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["systemctl", "--user", *arguments]
        return subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def user_manager(folder: Path) -> Iterator[Manager]:
    """Starts a manager whose files are below `folder`, and ends it. Skips where there is no systemd to start, or no right to."""
    if not Path(MANAGER).exists() or shutil.which("systemctl") is None:
        pytest.skip("needs systemd: apt-get install systemd")
    if os.geteuid() != 0:
        pytest.skip("starting a systemd of its own takes root")
    units, runtime = folder / "config/systemd/user", folder / "runtime"
    units.mkdir(parents=True)
    runtime.mkdir(mode=0o700)
    environ = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(runtime), "XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder)}
    # systemctl wants the mark of a booted system, which is made in a /run that only this manager sees
    inside = f"mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec {MANAGER} --user"
    with (folder / "manager.log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "slave", "sh", "-c", inside],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    manager = Manager(units, environ)
    try:
        wait_for(lambda: manager.answers or process.poll() is not None, START_S, lambda: (folder / "manager.log").read_text())
        assert process.poll() is None, (folder / "manager.log").read_text()
        yield manager
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(START_S)
