"""The folder that the host and a container both see: what the run's process is told, and the socket of its channel."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from flowhand.wire.job import API_FILE, JOB_FILE, Container, Job

INSIDE: Final = "/run/flowhand"
"""Where the container has the folder."""
HOST: Final = "host.docker.internal"
"""This machine, as containers know it."""
_SPEC: Final = "container.json"
_SHARED: Final = "shared"
_DONE: Final = "done"
_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Folder:
    """Of one attempt. What the container sees is one folder below, readable by whatever user it runs as; the one around is ours alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.shared = path / _SHARED

    def write(self, job: Job, container: Container) -> None:
        """All that the program and the container's process have to know. Idempotent, also while those read it."""
        self._path.mkdir(0o700, parents=True, exist_ok=True)
        self.shared.mkdir(0o755, exist_ok=True)
        inner = job.copy()
        inner["env"], inner["command"], inner["python"] = {}, None, None
        inner.pop("container", None)
        local = container["network_mode"] != "host"
        if job["api_file"] is not None:
            proof = json.loads(Path(job["api_file"]).read_bytes())
            self._put(self.shared / API_FILE, json.dumps({**proof, "url": reachable(proof["url"]) if local else proof["url"]}))
            inner["api_file"] = f"{INSIDE}/{API_FILE}"
        inner["api_url"] = reachable(job["api_url"]) if local else job["api_url"]
        self._put(self.shared / JOB_FILE, json.dumps(inner))
        self._put(self._path / _SPEC, json.dumps(container))

    def container(self) -> Container:
        """What was written."""
        return json.loads((self._path / _SPEC).read_bytes())

    def finish(self) -> None:
        """The container's end was seen, or it was removed."""
        (self._path / _DONE).touch()

    @property
    def finished(self) -> bool:
        """Whether it was: nobody has to look for the container."""
        return (self._path / _DONE).exists()

    def remove(self) -> None:
        """Idempotent."""
        shutil.rmtree(self._path, ignore_errors=True)

    def _put(self, path: Path, text: str) -> None:
        written = path.with_name(f".{path.name}")
        written.write_text(text, encoding="utf-8")
        written.chmod(0o644)  # whatever user the container runs as; the folder around is ours alone
        written.replace(path)


def reachable(url: str) -> str:
    """An address of this machine, as a container on a network of its own reaches it."""
    parts = urlsplit(url)
    if parts.hostname not in _LOCAL:
        return url
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, f"{HOST}{port}", parts.path, parts.query, parts.fragment))
