"""Resolves pyproject.toml into the lock files: `lock.py UV`. For `make lock`.

requirements.lock is for a checkout: everything, with the tools of development. requirements-run.lock is for an installation: what runs,
with PostgreSQL's driver. Each serves every platform and Python that we support, with hashes and nothing else: no registry's address, no
path of this machine. Both are resolved together, so that what is tested is what runs.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
EVERYTHING: Final = "requirements.lock"
HEADER: Final = "# {about}, with hashes. Made by `make lock` from pyproject.toml; do not edit.\n"
OPTIONS: Final = (
    "--universal",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-annotate",
    "--no-header",
    "--no-config",
    "--quiet",
    "--python-version=3.11",
    "--extra=postgres",
)


def main(uv: str) -> None:
    """Writes both. Exits with 1 when they cannot be resolved or would tell more than names, versions and hashes."""
    write(EVERYTHING, "What flowhand and its development need", resolve(uv, "--group=dev"))
    write("requirements-run.lock", "What flowhand needs to run", resolve(uv, f"--constraint={EVERYTHING}"))


def resolve(uv: str, option: str) -> str:
    """The text of one lock."""
    command = [str(Path(uv).absolute()), "pip", "compile", "pyproject.toml", *OPTIONS, option]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(1)  # uv has said why
    return done.stdout


def write(name: str, about: str, text: str) -> None:
    """Writes a lock that names no place."""
    told = re.findall(r"^.*(?:://|\bfile:|^-e |^\.?/).*$", text, re.MULTILINE)
    if told:
        sys.exit(f"flowhand: {name} would name a place: {told[0]}")
    (ROOT / name).write_text(HEADER.format(about=about) + text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
