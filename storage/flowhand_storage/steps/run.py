"""Carrying out pull steps in order."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from flowhand_storage.errors import InvalidStep, StepFailed, StorageError
from flowhand_storage.scrub import MASK, Scrubber, is_sensitive, without_credentials
from flowhand_storage.secrets import reveal_all, texts_in
from flowhand_storage.steps.definition import Step, check_types, read_steps
from flowhand_storage.steps.dotted import call_function
from flowhand_storage.steps.progress import Progress, StepContext, StepRun
from flowhand_storage.steps.requires import have_installed
from flowhand_storage.steps.templates import filled, is_template

_LONGEST = 600
_FOREIGN = ("prefect-", "prefect_")


def split_steps(steps: Sequence[Mapping[str, Any]] | None) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The steps that can be run before the flow's process is there, and the rest, which belongs into it: the first that runs the
    user's own code, and all after it. InvalidStep.
    """
    read = read_steps(steps)
    ours = itertools.takewhile(lambda step: step.known is not None and step.known.where == "prepare", read)
    count = len(list(ours))
    return list(steps or ())[:count], list(steps or ())[count:]


def run_steps(steps: Sequence[Mapping[str, Any]] | None, context: StepContext, progress: Progress | None = None) -> Progress:
    """Carry out `steps` in order; where they led. `progress` is where earlier ones ended, in this process or in another.

    InvalidStep before anything runs for steps that never can; StepFailed for the first that fails, with its inputs as they were written
    less what is secret. What has been leased by then is let go. To be called from plain code: it blocks.
    """
    read = read_steps(steps, context.more)
    progress = progress or Progress(working_directory=str(context.folder))
    run = StepRun(context, progress, Scrubber())
    try:
        for step in read:
            _run_step(run, step)
    except BaseException:
        progress.release()
        raise
    return progress


def _run_step(run: StepRun, step: Step) -> None:
    run.log(f"step {run.progress.done + 1}: {step.name}")
    try:
        outputs = dict(_outputs_of(run, step) or {})
    except StorageError as error:
        raise _failed(run, step, str(error)) from error
    except OSError as error:
        raise _failed(run, step, f"{type(error).__name__}: {error.strerror or error}") from None
    run.progress.outputs |= outputs
    if step.id is not None:
        run.progress.by_id[step.id] = outputs
    if isinstance(directory := outputs.get("directory"), str):
        run.progress.directory = str(run.path(directory))
    run.progress.done += 1


def _outputs_of(run: StepRun, step: Step) -> Mapping[str, Any] | None:
    inputs = _filled(run, step)
    run.learn(*_secrets_in(inputs))
    if step.known is None:
        have_installed(run, step.requires)
        return call_function(run, step.name, inputs)
    # What Prefect's integrations do, ours does itself.
    have_installed(run, [name for name in step.requires if not name.startswith(_FOREIGN)])
    check_types(step.known, inputs)
    return step.known.function()(run, **inputs)


def _filled(run: StepRun, step: Step) -> dict[str, Any]:
    try:
        return filled(step.inputs, run)
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - whoever resolves blocks and variables may raise anything
        failure = InvalidStep(run.clean(f"a block or variable cannot be resolved: {type(error).__name__}: {error}"))
    raise failure


def _secrets_in(inputs: Mapping[str, Any]) -> list[str]:
    """The texts that stand where a secret belongs, however they came there."""
    found: list[str] = []
    for name, value in inputs.items():
        if isinstance(value, Mapping):
            found += _secrets_in(value)
        elif is_sensitive(str(name)) or name == "header":
            found += texts_in(reveal_all(value))
    return found


def _failed(run: StepRun, step: Step, reason: str) -> StepFailed:
    index, reason = run.progress.done, run.clean(reason)
    inputs = run.clean(json.dumps(_masked(step.inputs), default=lambda value: f"<{type(value).__name__}>"))
    shown = inputs if len(inputs) <= _LONGEST else inputs[: _LONGEST - 3] + "..."
    return StepFailed(f"{run.context.kind} step {index + 1}, {step.name}, failed: {reason} (inputs: {shown})", step.name, index, reason)


def _masked(value: Any, *, secret: bool = False) -> Any:
    """Inputs as they were written: templates stand for what they refer to, what else is secret is masked."""
    if isinstance(value, Mapping):
        return {str(name): _masked(item, secret=secret or is_sensitive(str(name))) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item, secret=secret) for item in value]
    if secret:
        return value if value is None or (isinstance(value, str) and is_template(value)) else MASK
    return without_credentials(value) if isinstance(value, str) else value
