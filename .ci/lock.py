"""Resolves pyproject.toml, with its development group, into requirements.lock: `lock.py UV`. For `make lock`.

One file for every platform and Python that we support, with hashes and nothing else: no registry's address, no path of this machine.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
HEADER: Final = "# What flowhand and its development need, with hashes. Made by `make lock` from pyproject.toml; do not edit.\n"
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
    "--group=dev",
    "--extra=postgres",
)


def main(uv: str) -> None:
    """Writes the lock. Exits with 1 when it could not be resolved or would tell more than names, versions and hashes."""
    command = [str(Path(uv).absolute()), "pip", "compile", "pyproject.toml", *OPTIONS]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(1)  # uv has said why
    told = re.findall(r"^.*(?:://|\bfile:|^-e |^\.?/).*$", done.stdout, re.MULTILINE)
    if told:
        sys.exit(f"flowhand: the lock would name a place: {told[0]}")
    (ROOT / "requirements.lock").write_text(HEADER + done.stdout, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
