"""Steps of the user's own: any importable function, by its dotted name."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from flowhand_storage.errors import InvalidStep, StepError
from flowhand_storage.steps.progress import StepRun


def call_function(run: StepRun, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Call the function `name` with the inputs by keyword, in the steps' working directory; where it goes, the next step works.

    It may be a coroutine function. Its outputs are a mapping or nothing. InvalidStep when it cannot be imported or answers something
    else; what it raises becomes a StepError with the type and the text of it.
    """
    with contextlib.chdir(run.progress.working_directory):
        function = _find(run, name)
        outputs = _call(run, function, inputs)
        run.progress.working_directory = str(Path.cwd())
    if outputs is not None and not isinstance(outputs, Mapping):
        raise InvalidStep(f"{name} must return a mapping of its outputs, or nothing, not {type(outputs).__name__}")
    return outputs


def _find(run: StepRun, name: str) -> Callable[..., Any]:
    module, _, attribute = name.rpartition(".")
    failure: StepError
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:  # noqa: BLE001 - the user's module may raise anything while it is imported
        failure = InvalidStep(f"{name} cannot be imported: {_words(run, error)}; is its package named in requires?")
    else:
        if callable(found):
            return found
        failure = InvalidStep(f"{name} is no function")
    raise failure


def _call(run: StepRun, function: Callable[..., Any], inputs: Mapping[str, Any]) -> Any:
    try:
        answer = function(**inputs)
        return _finish(answer) if inspect.isawaitable(answer) else answer
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's function
        failure = StepError(_words(run, error))
    # Raised here and not above, so that not even its context holds an error that may quote a secret.
    raise failure


def _finish(work: Any) -> Any:
    # Plain functions should not pay for the import.
    import asyncio

    async def finish() -> Any:
        return await work

    return asyncio.run(finish())


def _words(run: StepRun, error: BaseException) -> str:
    return run.clean(f"{type(error).__name__}: {error}"[:500])
