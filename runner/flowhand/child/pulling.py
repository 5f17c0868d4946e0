"""Pull steps in a run's process: code storage is told of the run, and the run goes where the steps have led.

Loaded only for runs that have such steps. Why they run here and not in a process before: docs/adr/0011-pull-steps-run-in-the-child.md.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowhand.child.barrier import PermitWithdrawn, take_permit
from flowhand.child.channel import Channel
from flowhand.child.handover import continue_in
from flowhand.errors import PullStepFailed
from flowhand.sdk.context import RunContext
from flowhand.sdk.run_logging import logger_of
from flowhand.sdk.secrets import conceal
from flowhand.wire.job import Job, Prepared
from flowhand_storage.checkouts import CheckoutStore, default_root
from flowhand_storage.errors import StorageError
from flowhand_storage.leases import Lease, hold
from flowhand_storage.steps.progress import LoadBlock, Progress, Reference, Resolve, StepContext
from flowhand_storage.steps.run import run_steps

_held: list[Lease] = []
"""For the life of this process: what the run works with is not collected under it."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What steps are given by whoever runs them: a log, and what templates and steps refer to at the API."""

    log: Callable[[str], None]
    resolve: Resolve
    load_block: LoadBlock


def pull(job: Job, run: RunContext, channel: Channel) -> Path:
    """Carries out the job's pull steps; the folder that they lead to. PullStepFailed for steps that cannot be carried out, PermitWithdrawn
    when the run would go on elsewhere and must not begin.

    What they fetched stays until this process ends. When they chose another interpreter, this process goes on in that one: there the job
    begins again with its steps done, and this call does not return.
    """
    prepared = job.get("prepared")
    if prepared is not None:
        resume(prepared)
        return Path(job["directory"] or ".")
    log = logger_of(run)
    outside = Outside(
        lambda line: log.info("%s", line),
        lambda reference: _resolve(reference, job),
        lambda kind, name: _load_block(kind, name, job),
    )
    # what the worker's own folder holds is no business of the run, and two runs would get into each other's way there
    folder = None if not Path(job["directory"] or ".").samefile(Path.cwd()) else own_folder()
    progress = carry_out(job["pull_steps"], folder or Path(job["directory"] or ".").absolute(), outside)
    directory = progress.directory or progress.working_directory
    if progress.python is not None and progress.python != sys.executable:
        following = job.copy()
        following["directory"] = directory
        following["prepared"] = as_prepared(progress, folder)
        _give_up(following.pop("permit", None), channel)  # the flowhand over there may know nothing of it
        continue_in(progress.python, following, channel)
    return Path(directory)


def _give_up(permit: str | None, channel: Channel) -> None:
    """The keeper hears of it before: to find no permit then does not mean that the run has begun. PermitWithdrawn."""
    if permit is not None:
        channel.send({"k": "unpermitted"})
    if not take_permit(permit):
        raise PermitWithdrawn


def carry_out(steps: list[dict[str, Any]], folder: Path, outside: Outside) -> Progress:
    """Carries out steps that begin in `folder`; what they fetched stays until this process ends. PullStepFailed."""
    context = StepContext(
        folder=folder,
        store=CheckoutStore(default_root()),
        resolve=outside.resolve,
        load_block=outside.load_block,
        log=outside.log,
        conceal=conceal,
    )
    try:
        progress = run_steps(steps, context)
    except StorageError as error:
        failure = PullStepFailed(str(error))
    else:
        _held.extend(progress.leases)
        return progress
    raise failure  # not chained: the line says it all, and says it without secrets


def as_prepared(progress: Progress, folder: Path | None) -> Prepared:
    """What the process that goes on after the steps must know; `folder` was made for the run."""
    return Prepared(held=[str(lease.path) for lease in progress.leases], folder=str(folder) if folder else None)


def _resolve(reference: Reference, job: Job) -> Any:
    from flowhand.child.references import resolve  # here: it loads a web stack that few runs need

    return resolve(reference, job)


def _load_block(kind: str, name: str, job: Job) -> Any:
    from flowhand.child.storage_blocks import load_block  # see above

    return load_block(kind, name, job)


def own_folder() -> Path:
    """A folder of the run's own, gone with it."""
    folder = tempfile.mkdtemp(prefix="flowhand-run-")
    _remove_at_exit(folder)
    return Path(folder)


def _remove_at_exit(folder: str) -> None:
    """Not in processes that the flow forks: they leave as well, and earlier."""
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)


def resume(prepared: Prepared) -> None:
    """Holds what the steps have fetched, in the process that goes on after them. PullStepFailed when it is gone."""
    if prepared["folder"] is not None:
        _remove_at_exit(prepared["folder"])
    for folder in prepared["held"]:
        lease = hold(Path(folder))
        if lease is None:
            raise PullStepFailed(f"{folder} was removed while the run changed to its own interpreter; run it again")
        _held.append(lease)
