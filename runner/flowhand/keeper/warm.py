"""The warm image: everything a run needs is imported and exercised once, before the first fork, and then left alone."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import Any, Final

from flowhand.child import rehearsal
from flowhand.child.place import directory_of

_CODE_STORAGE: Final = ("flowhand.child.pulling", "flowhand_storage.steps.git_clone")
"""With the step that nearly all of them have; those that load more, such as fsspec, are loaded by their runs."""


def up() -> int:
    """Warms this process; the peak memory in bytes that a forked child counts although it is shared (getrusage(2) counts shared pages)."""
    return _with(rehearsal.FLOWS)


def up_with_pydantic() -> int:
    """The same again with pydantic, for the runs to come. Takes a tenth of a second."""
    return _with(import_module("flowhand.child.rehearsal_typed").FLOWS)


def _with(flows: dict[str, dict[str, Any]]) -> int:
    rehearsal.run(flows)
    gc.collect()
    gc.freeze()
    return _peak_of_an_idle_child()


def up_for(job: dict[str, Any]) -> bool:
    """Loads what the job needs beyond that, once, so that only the first such job waits for it: code storage, for pull steps that fetch.
    Whether that made another image.

    Not part of every image, as most workers run code that is there already.
    """
    if not job["command"] and directory_of(job["directory"], job["pull_steps"]) is None:
        missing = [module for module in _CODE_STORAGE if module not in sys.modules]
        for module in missing:
            import_module(module)
        return bool(missing)
    return False


def _peak_of_an_idle_child() -> int:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    _, _, usage = os.wait4(pid, 0)
    return usage.ru_maxrss * 1024
