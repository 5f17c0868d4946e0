"""Importing a library without the extras that it loads only because they happen to be installed.

Measured on Python 3.11 with rich installed: httpx loads its own command line (270 ms of CPU, 7 MB), structlog a renderer of tracebacks
(250 ms, 7 MB). Both cope with its absence. A daemon that should stay small, and a command that should be quick, want neither.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without(*names: str) -> Generator[None, None, None]:
    """For the block, importing one of these modules fails, unless it is loaded already. For the import of a library, at import time only:
    another thread that imports the same module meanwhile fails too.
    """
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in names if name not in modules]
    for name in hidden:
        modules[name] = None  # what the import system takes for "there is none"
    try:
        yield
    finally:
        for name in hidden:
            modules.pop(name, None)
