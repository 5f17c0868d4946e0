"""The place a flow runs in: environment, working directory, module search path."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from flowhand.errors import FlowLoadError

_DIRECTORY_STEPS: Final = frozenset(
    {
        "prefect.deployments.steps.set_working_directory",
        "prefect.deployments.steps.pull.set_working_directory",
        "flowhand.deployments.steps.set_working_directory",
        "set_working_directory",
    }
)


def lay_environment(env: Mapping[str, str | None]) -> None:
    """Sets and removes variables of this process. A change of TZ takes effect."""
    for name, value in env.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if "TZ" in env:
        time.tzset()


def directory_of(directory: str | None, pull_steps: list[dict[str, Any]]) -> Path:
    """The folder that a run's code is in: what the pull steps put out, else the job's. FlowLoadError for a step that cannot be run."""
    found = directory
    for step in pull_steps:
        for name, inputs in step.items():
            if name not in _DIRECTORY_STEPS:
                raise FlowLoadError(f"pull step {name!r} is not known here; known is set_working_directory")
            found = str((inputs or {}).get("directory") or found)
    return Path(found or ".").expanduser().absolute()


def go_to(directory: Path) -> None:
    """Makes the folder the working directory and the first place that modules come from. FlowLoadError when it cannot be entered."""
    try:
        os.chdir(directory)
    except OSError as error:
        raise FlowLoadError(f"the working directory {directory} cannot be entered: {error.strerror}") from None
    if sys.path[:1] != [str(directory)]:
        sys.path.insert(0, str(directory))
