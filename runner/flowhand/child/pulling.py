"""Pull steps in a run's process: code storage is told of the run, and the run goes where the steps have led.

Loaded only for runs that have such steps. Why they run here and not in a process before: docs/adr/0011-pull-steps-run-in-the-child.md.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

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
from flowhand_storage.steps.progress import Progress, Reference, StepContext
from flowhand_storage.steps.run import run_steps

_held: list[Lease] = []
"""For the life of this process: what the run works with is not collected under it."""


def pull(job: Job, run: RunContext, channel: Channel) -> Path:
    """Carries out the job's pull steps; the folder that they lead to. PullStepFailed for steps that cannot be carried out.

    What they fetched stays until this process ends. When they chose another interpreter, this process goes on in that one: there the job
    begins again with its steps done, and this call does not return.
    """
    prepared = job.get("prepared")
    if prepared is not None:
        return _resume(job, prepared)
    folder = _folder_of(job)
    progress = _carry_out(job, run, folder or Path(job["directory"] or ".").absolute())
    _held.extend(progress.leases)
    directory = progress.directory or progress.working_directory
    if progress.python is not None and progress.python != sys.executable:
        held = [str(lease.path) for lease in progress.leases]
        following = job.copy()
        following["directory"] = directory
        following["prepared"] = Prepared(held=held, folder=str(folder) if folder else None)
        continue_in(progress.python, following, channel)
    return Path(directory)


def _carry_out(job: Job, run: RunContext, folder: Path) -> Progress:
    log = logger_of(run)
    context = StepContext(
        folder=folder,
        store=CheckoutStore(default_root()),
        resolve=lambda reference: _resolve(reference, job),
        load_block=lambda kind, name: _load_block(kind, name, job),
        log=lambda line: log.info("%s", line),
        conceal=conceal,
    )
    try:
        return run_steps(job["pull_steps"], context)
    except StorageError as error:
        failure = PullStepFailed(str(error))
    raise failure  # not chained: the line says it all, and says it without secrets


def _resolve(reference: Reference, job: Job) -> Any:
    from flowhand.child.references import resolve  # here: it loads a web stack that few runs need

    return resolve(reference, job)


def _load_block(kind: str, name: str, job: Job) -> Any:
    from flowhand.child.storage_blocks import load_block  # see above

    return load_block(kind, name, job)


def _folder_of(job: Job) -> Path | None:
    """A folder of the run's own, gone with it, when nobody said where its steps begin; else None.

    What the worker's own folder holds is no business of the run, and two runs would get into each other's way there.
    """
    if not Path(job["directory"] or ".").samefile(Path.cwd()):
        return None
    folder = tempfile.mkdtemp(prefix="flowhand-run-")
    _remove_at_exit(folder)
    return Path(folder)


def _remove_at_exit(folder: str) -> None:
    """Not in processes that the flow forks: they leave as well, and earlier."""
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)


def _resume(job: Job, prepared: Prepared) -> Path:
    if prepared["folder"] is not None:
        _remove_at_exit(prepared["folder"])
    for folder in prepared["held"]:
        lease = hold(Path(folder))
        if lease is None:
            raise PullStepFailed(f"{folder} was removed while the run changed to its own interpreter; run it again")
        _held.append(lease)
    return Path(job["directory"] or ".")
