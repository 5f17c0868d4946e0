"""A real container engine and a real registry for tests.

One engine serves all test processes of a machine, as a second one would take away the first one's bridge: whoever comes first starts it,
everybody holds a connection to the program below, and when the last one is gone, however it went, engine, registry and all images go.
Where an engine runs already, only the registry is started. Run as a program, this is what owns both.
"""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import docker
import pytest
from docker.errors import DockerException, ImageNotFound

from support.base_image import ENVIRONMENT, VERSION, base_image, one_file
from support.storage_servers import free_port

FOLDER: Final = Path(tempfile.gettempdir(), f"flowhand-engine-{os.getuid()}")
START_S: Final = 60.0
STOP_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers at `host` (a value of DOCKER_HOST), and a registry at `registry` (`127.0.0.1:port`)."""

    host: str
    registry: str

    @property
    def base(self) -> str:
        """The image with Python and all that flowhand needs, but not flowhand. In no registry: it is to be built from with pull=False."""
        return f"flowhand-tests/python:{VERSION}-slim"

    @property
    def tiny(self) -> str:
        """An image with one file, which is in the registry. Nothing can be executed in it."""
        return f"{self.registry}/tiny:1"

    def client(self) -> docker.DockerClient:
        """To be closed."""
        return docker.DockerClient(base_url=self.host)


@contextmanager
def docker_engine() -> Generator[Engine]:
    """The engine of this machine, for as long as it is held. Skips where there is none and none can be started."""
    missing = [name for name in ("dockerd", "docker-registry") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip("needs a container engine of its own: root, and apt-get install docker.io iptables docker-registry")
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        line = _join() or _start()
        host, registry = line.makefile().readline().split()
        engine = Engine(host, registry)
        _provide_images(engine)
    with line:
        yield engine


def _join() -> socket.socket | None:
    line = socket.socket(socket.AF_UNIX)
    try:
        line.connect(str(FOLDER / "held"))
    except OSError:
        line.close()
        return None
    return line


def _start() -> socket.socket:
    with (FOLDER / "log").open("wb") as log:
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        process = subprocess.Popen(
            [sys.executable, "-m", "support.docker_engine"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environ,
        )
    deadline = time.monotonic() + START_S
    while (line := _join()) is None:
        assert process.poll() is None, (FOLDER / "log").read_text()
        assert time.monotonic() < deadline, (FOLDER / "log").read_text()
        time.sleep(0.05)  # nothing tells of a socket that is not there yet
    return line


def _provide_images(engine: Engine) -> None:
    client = engine.client()
    try:
        client.images.get(engine.tiny)
    except ImageNotFound:
        with base_image() as archive:
            _import(client, archive, engine.base, f"ENV {ENVIRONMENT}", 'CMD ["python3"]')
        with one_file() as archive:
            _import(client, archive, engine.tiny)
        for event in client.api.push(engine.tiny, stream=True, decode=True):
            assert "error" not in event, event
    finally:
        client.close()


def _import(client: docker.DockerClient, archive: IO[bytes], reference: str, *changes: str) -> None:
    name, _, tag = reference.rpartition(":")
    client.api.import_image(archive, repository=name, tag=tag, changes=list(changes) or None)


# --- the program --------------------------------------------------------------------------------------------------------------------------


def main() -> None:
    """Starts both, tells whoever connects where they are, and stops them when nobody is connected any more."""
    with (FOLDER / "alive").open("w") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)  # one that is about to stop finishes first
        folder = Path(tempfile.mkdtemp(dir=FOLDER, prefix="engine-"))
        processes: list[subprocess.Popen[bytes]] = []
        try:
            host = _engine_there() or _start_engine(folder, processes)
            registry = _start_registry(folder, processes)
            _hold(f"{host} {registry}\n")
        finally:
            _stop(folder, processes)


def _engine_there() -> str | None:
    """The address of an engine that runs without us."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    with suppress(DockerException):
        docker.DockerClient(base_url=host).close()  # asks for the engine's version
        return host
    return None


def _start_engine(folder: Path, processes: list[subprocess.Popen[bytes]]) -> str:
    host = f"unix://{folder}/docker.sock"
    command = ["dockerd", "--host", host, "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"]
    processes.append(subprocess.Popen([*command, "--storage-driver", "overlay2"]))
    _until(processes[-1], lambda: docker.DockerClient(base_url=host).close())
    return host


def _start_registry(folder: Path, processes: list[subprocess.Popen[bytes]]) -> str:
    address = f"127.0.0.1:{free_port()}"
    about = folder / "registry.yml"
    about.write_text(
        f"version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {folder}/registry}}}}\nhttp: {{addr: '{address}'}}\n"
    )
    processes.append(subprocess.Popen(["docker-registry", "serve", str(about)]))
    host, _, port = address.partition(":")
    _until(processes[-1], lambda: socket.create_connection((host, int(port)), timeout=1).close())
    return address


def _until(process: subprocess.Popen[bytes], answers: Callable[[], None]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            answers()
        except (OSError, DockerException):
            assert process.poll() is None, f"{process.args} ended"
            assert time.monotonic() < deadline, f"{process.args} does not answer"
            time.sleep(0.05)  # neither has another bell
        else:
            return


def _hold(greeting: str) -> None:
    """Until the last of those who hold the engine is gone."""
    path = FOLDER / "held"
    path.unlink(missing_ok=True)
    holders: list[socket.socket] = []
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        while True:
            ready, _, _ = select.select([door, *holders], [], [], None if holders else START_S)
            if door in ready:
                holders.append(door.accept()[0])
                holders[-1].sendall(greeting.encode())
            for holder in [one for one in ready if one is not door]:
                holders.remove(holder)
                holder.close()
            if not holders:
                path.unlink()
                return


def _stop(folder: Path, processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(STOP_S)
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in [one for one in mounts if one.startswith(str(folder))]:
        subprocess.run(["umount", mount], check=False)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
