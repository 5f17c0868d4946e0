"""A small image with this interpreter, a shell and the packages that flowhand needs, made of what is on this machine."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import IO, Final

from packaging.requirements import Requirement

VERSION: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
TOOLS: Final = ("bash", "cat", "env", "git", "ls", "mkdir", "rm", "ln", "sleep", "id", "echo", "true", "false", "sh", "tini", "useradd")
ENVIRONMENT: Final = "PATH=/usr/local/bin:/usr/bin:/bin LD_LIBRARY_PATH=/usr/local/lib:/usr/lib PIP_ROOT_USER_ACTION=ignore PIP_NO_INDEX=1"
"""pip asks no index: a build that would fetch something fails."""
_UNUSED: Final = frozenset({"site-packages", "test", "idlelib", "tkinter", "turtledemo", "__pycache__", "lib2to3"})


def base_image() -> IO[bytes]:
    """An archive for `docker import`, to be closed."""
    out = tempfile.TemporaryFile()  # noqa: SIM115  # handed to the caller
    with tarfile.open(fileobj=out, mode="w") as archive:
        for folder in ("tmp", "root", "proc", "sys", "dev", "run", "etc", "home"):
            _folder(archive, folder, 0o1777 if folder == "tmp" else 0o755)
        programs = _interpreter(archive)
        for tool in TOOLS:
            found = shutil.which(tool)
            if found:
                archive.add(Path(found).resolve(), f"usr/bin/{tool}")
                programs.append(Path(found))
        _link(archive, "bin", "usr/bin")
        programs += _packages(archive)
        _libraries(archive, programs)
        for name, text in {
            "passwd": "root:x:0:0:root:/root:/bin/sh\n",
            "group": "root:x:0:\n",
            "nsswitch.conf": "hosts: files dns\n",
        }.items():
            _file(archive, f"etc/{name}", text)
    out.seek(0)
    return out


def one_file() -> IO[bytes]:
    """An archive with one file, for `docker import`, to be closed."""
    out = tempfile.TemporaryFile()  # noqa: SIM115  # handed to the caller
    with tarfile.open(fileobj=out, mode="w") as archive:
        _file(archive, "file", "content\n")
    out.seek(0)
    return out


def _interpreter(archive: tarfile.TarFile) -> list[Path]:
    """Below /usr/local; the programs and libraries whose own libraries are needed as well."""
    prefix = Path(sys.base_prefix)
    program, library = (prefix / "bin" / f"python{VERSION}").resolve(), Path(sysconfig.get_path("stdlib"))
    archive.add(program, f"usr/local/bin/python{VERSION}")
    for name in ("python3", "python"):
        _link(archive, f"usr/local/bin/{name}", f"python{VERSION}")
    archive.add(library, f"usr/local/lib/python{VERSION}", filter=_used)
    shared = [path for path in (prefix / "lib").glob("libpython*.so*") if path.is_file()]
    for path in shared:
        archive.add(path.resolve(), f"usr/local/lib/{path.name}")
    return [program, *shared, *(library / "lib-dynload").glob("*.so")]


def _used(about: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = Path(about.name).name
    return None if name in _UNUSED or name.startswith(("config-", "_tkinter", "_test")) else about


def _libraries(archive: tarfile.TarFile, programs: list[Path]) -> None:
    found: set[str] = set()
    for program in programs:
        printed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        found |= {word for word in printed.split() if word.startswith("/") and not word.endswith(":")}
    for path in map(Path, sorted(found)):
        if path.is_file() and not path.is_relative_to(sys.base_prefix) and not path.is_relative_to(sys.prefix):
            archive.add(path.resolve(), f"lib64/{path.name}" if path.name.startswith("ld-linux") else f"usr/lib/{path.name}")


def _packages(archive: tarfile.TarFile) -> list[Path]:
    """Those of them that are shared libraries."""
    shared: list[Path] = []
    packages = Path(sysconfig.get_path("purelib"))
    for found in _needed():
        for file in found.files or ():
            path = Path(str(found.locate_file(file)))
            if ".." not in file.parts and "__pycache__" not in file.parts and path.is_file() and path.is_relative_to(packages):
                archive.add(path, f"usr/local/lib/python{VERSION}/site-packages/{file}")
                shared += [path] if path.suffix == ".so" else []
    return shared


def _needed() -> Iterator[Distribution]:
    """What flowhand needs, and what that needs, and pip; without flowhand."""
    waiting, seen = ["pip", *_requirements(distribution("flowhand"))], {"flowhand"}
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:  # for another platform
            continue
        yield found
        waiting += _requirements(found)


def _requirements(found: Distribution) -> list[str]:
    read = [Requirement(text) for text in found.requires or ()]
    return [one.name for one in read if one.marker is None or one.marker.evaluate({"extra": ""})]


def _folder(archive: tarfile.TarFile, name: str, mode: int) -> None:
    about = tarfile.TarInfo(name)
    about.type, about.mode = tarfile.DIRTYPE, mode
    archive.addfile(about)


def _link(archive: tarfile.TarFile, name: str, target: str) -> None:
    about = tarfile.TarInfo(name)
    about.type, about.linkname = tarfile.SYMTYPE, target
    archive.addfile(about)


def _file(archive: tarfile.TarFile, name: str, text: str) -> None:
    about = tarfile.TarInfo(name)
    about.size, about.mode = len(text), 0o644
    archive.addfile(about, io.BytesIO(text.encode()))
