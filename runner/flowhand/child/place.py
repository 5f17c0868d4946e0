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


def directory_of(directory: str | None, pull_steps: list[dict[str, Any]]) -> str | None:
    """The folder that a run's code is in, when it can be told without code storage: the job's, or where plain steps lead to. Else None."""
    found = os.path.expanduser(directory or ".")
    for step in pull_steps:
        named = _named_by(step)
        if named is None:
            return None
        found = os.path.join(found, os.path.expanduser(named))
    return found if os.path.isabs(found) else str(Path(found).absolute())


def _named_by(step: Any) -> str | None:
    """The folder of a step that does no more than to name one."""
    if not isinstance(step, dict) or len(step) != 1:
        return None
    name, inputs = next(iter(step.items()))
    if name not in _DIRECTORY_STEPS or not isinstance(inputs, dict) or inputs.keys() != {"directory"}:
        return None
    named = inputs["directory"]
    return named if isinstance(named, str) and named and "{{" not in named else None


def go_to(directory: str) -> None:
    """Makes the folder the working directory and the first place that modules come from. FlowLoadError when it cannot be entered."""
    try:
        os.chdir(directory)
    except OSError as error:
        raise FlowLoadError(f"the working directory {directory} cannot be entered: {error.strerror}") from None
    here = os.getcwd()  # without links: where one leads may change under the run, and late imports must be of the same code
    if sys.path[:1] != [here]:
        sys.path.insert(0, here)
