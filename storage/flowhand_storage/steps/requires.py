"""Packages that a step needs: installed beside the interpreter, in a folder of their own, when they are not there."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Sequence
from importlib import invalidate_caches
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from flowhand_storage.errors import InvalidStep
from flowhand_storage.steps.interpreter import find_uv
from flowhand_storage.steps.program import Output, run_program
from flowhand_storage.steps.progress import StepRun

_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[\w,.\s-]*\])?\s*([<>=!~][^;@\x00-\x1f]*)?")


def have_installed(run: StepRun, requires: Sequence[str]) -> None:
    """Make `requires` importable in this process. What is installed counts, in whatever version; the rest is fetched once for all runs.

    InvalidStep for what is no plain requirement: addresses and options are not taken. CommandFailed when it cannot be installed.
    """
    missing = [requirement for requirement in requires if not _is_installed(requirement)]
    if not missing:
        return
    output = Output()
    key = hashlib.blake2b("\n".join([*sorted(missing), sys.version]).encode(), digest_size=12).hexdigest()

    def install(folder: Path) -> None:
        run.log(f"installing {', '.join(missing)}")
        uv = find_uv(run.context.environ)
        start = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
        run_program(run, [*start, "--target", str(folder), "--", *missing], folder.parent, run.context.environ, output, stream=True)

    lease = run.context.store.environments.lease(f"requires-{key}", ", ".join(missing), install)
    run.progress.leases.append(lease)
    if str(lease.path) not in sys.path:
        sys.path.append(str(lease.path))
        invalidate_caches()


def _is_installed(requirement: str) -> bool:
    match = _REQUIREMENT.fullmatch(requirement.strip())
    if match is None:
        raise InvalidStep(f"requires: {requirement[:80]!a} is no package's name with an optional version")
    try:
        distribution(match[1])
    except PackageNotFoundError:
        return False
    return True
