"""Environments that steps build: one per content of a lock or requirements file, shared by all runs that ask for the same.

An environment is made for the interpreter that runs the steps, and can import all that this one can; what is installed in it comes first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import site
import sys
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path

from flowhand_storage.steps.progress import StepRun

Install = Callable[[Path], None]


def use_environment(run: StepRun, name: str, content: bytes, install: Install) -> Path:
    """Have the run use the environment for `content`, which `install` builds in an empty folder when there is none; its interpreter.

    It is leased until the progress is released. What `install` raises comes out, and no half environment is kept.
    """
    hashed = hashlib.blake2b(content, digest_size=12)
    hashed.update(f"{sys.version}\n{sys.executable}\n{sysconfig.get_platform()}".encode())
    built: list[Path] = []

    def build(folder: Path) -> None:
        install(folder)
        _let_see_ours(folder)
        built.append(folder)

    lease = run.context.store.environments.lease(f"{name}-{hashed.hexdigest()}", name, build)
    run.progress.leases.append(lease)
    run.progress.python = str(python_of(lease.path))
    if not built:
        run.log(f"the environment {lease.path.name} is there already")
    return python_of(lease.path)


def python_of(environment: Path) -> Path:
    """The interpreter of an environment."""
    return environment / "bin" / "python"


def find_uv(environ: Mapping[str, str]) -> str | None:
    """uv's program: on PATH, else beside this interpreter."""
    return shutil.which("uv", path=environ.get("PATH", os.defpath)) or shutil.which("uv", path=str(Path(sys.executable).parent))


def _let_see_ours(environment: Path) -> None:
    """Append this interpreter's packages to the environment's path (site module, path configuration files).

    `--system-site-packages` would show those of the base installation only, and flowhand is often installed in an environment itself.
    """
    ours = [path for path in (*site.getsitepackages(), sysconfig.get_path("purelib")) if Path(path).is_dir()]
    lines = ["import site", *(f"site.addsitedir({path!r})" for path in dict.fromkeys(ours))]
    for packages in environment.glob("lib/python*/site-packages"):
        (packages / "_flowhand_parent.pth").write_text("; ".join(lines) + "\n")
