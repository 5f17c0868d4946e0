"""The build context of a generated Dockerfile, as an archive: nothing is written into the project's folder."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from flowhand.deployments.images.dockerfile import OURS, PROJECT

DOCKERFILE: Final = f"{OURS}/Dockerfile"
_LEFT_OUT: Final = (".git", "**/__pycache__", "**/.venv", "**/.mypy_cache", "**/.pytest_cache", "**/.ruff_cache")
"""Without a .dockerignore: what no run needs, and what may hold credentials."""


def write_context(project: Path, ours: Mapping[str, bytes]) -> IO[bytes]:
    """A temporary file with the archive: the files of `project` below `project/`, `ours` by name below `flowhand/`. To be closed.

    A `.dockerignore` says what is left out, by Docker's rules; without one, version control, caches and virtual environments are.
    """
    out = TemporaryFile(prefix="flowhand-context-")  # noqa: SIM115  # handed to the caller, who closes it
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in ours.items():
            about = tarfile.TarInfo(f"{OURS}/{name}")
            about.size, about.mode = len(content), 0o644
            archive.addfile(about, io.BytesIO(content))
        folder = tarfile.TarInfo(PROJECT)  # there must be one, also for a project without files
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
        for name in _names(project):
            _add(archive, project / name, f"{PROJECT}/{name}")
    out.seek(0)
    return out


def _names(project: Path) -> Iterator[str]:
    from docker.utils.build import exclude_paths  # see engine.py

    ignoring = project / ".dockerignore"
    lines = ignoring.read_text(encoding="utf-8").splitlines() if ignoring.is_file() else list(_LEFT_OUT)
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    yield from sorted(exclude_paths(str(project), patterns))


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    if path.is_socket():  # an archive has no place for it
        return
    about = archive.gettarinfo(path, name)
    about.uid = about.gid = 0
    about.uname = about.gname = "root"
    if about.isfile():
        with path.open("rb") as content:
            archive.addfile(about, content)
    else:
        archive.addfile(about)
