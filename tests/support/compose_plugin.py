"""Docker's compose plugin, version 2. Fetched on first use and kept outside the repository, where this machine's own is older or missing.

Debian has it from its release 13 on: a static program that wants no more than the C library of the release before. It comes from the mirror
that this machine's own sources name, checked by apt as everything else, into `~/.cache/flowhand-tests/compose-<release>`; nothing is
installed. `FLOWHAND_TEST_COMPOSE` names a folder with the plugin instead. Where it cannot be had the tests skip; in CI they fail.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import pytest

RELEASE: Final = "trixie"
KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
PLUGIN: Final = "docker-compose"
FETCH_S: Final = 300


@cache
def docker_config() -> Path:
    """A value of DOCKER_CONFIG with which `docker compose` is version 2."""
    if shutil.which("docker") is None:
        pytest.skip("needs docker: apt-get install docker.io")
    kept = os.environ.get("FLOWHAND_TEST_COMPOSE")
    folder = Path(kept) if kept else Path.home() / ".cache" / "flowhand-tests" / f"compose-{RELEASE}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "cli-plugins" / PLUGIN).exists():
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    mirror = _mirror()
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("lists/partial", "cache/archives/partial", "package", "cli-plugins"):
        (folder / name).mkdir(parents=True)
    sources = folder / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {mirror} {RELEASE} main\n")
    places = {"Dir::Etc::sourcelist": sources, "Dir::Etc::sourceparts": "/dev/null", "Dir::State::lists": folder / "lists"}
    places |= {"Dir::Cache": folder / "cache", "APT::Sandbox::User": "root"}
    options = [word for name, value in places.items() for word in ("-o", f"{name}={value}")]
    _run(folder, "apt-get", "-qq", *options, "update")
    _run(folder, "apt-get", "-qq", *options, "download", "docker-compose")
    (package,) = folder.glob("docker-compose_*.deb")
    _run(folder, "dpkg-deb", "-x", str(package), "package")
    (folder / "package/usr/libexec/docker/cli-plugins" / PLUGIN).rename(folder / "cli-plugins" / PLUGIN)
    for name in ("lists", "cache", "package", package.name):
        shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()


def _mirror() -> str:
    """Where this machine has its own Debian from."""
    if shutil.which("apt-get") is None:
        pytest.skip("needs docker compose 2, and can fetch it on Debian only")
    targets = _run(Path("/"), "apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT)", "Identifier: Packages")
    for line in targets.splitlines():
        uri, _, component = line.partition(" ")
        if uri.rstrip("/").endswith("/debian") and component == "main":
            return uri
    pytest.skip(f"needs docker compose 2, and this machine's sources name no Debian mirror to fetch it from:\n{targets}")


def _run(where: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=FETCH_S, check=False)
    if done.returncode:
        pytest.skip(f"needs docker compose 2, and fetching it failed: {' '.join(command[:1])}: {done.stderr.strip()[-300:]}")
    return done.stdout
