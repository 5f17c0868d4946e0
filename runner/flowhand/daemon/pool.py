"""The worker's pool: found, or made when it may be, and of a type that this worker can execute."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from flowhand.client import work_pools
from flowhand.client.api import SyncApiClient
from flowhand.daemon.options import WorkerOptions
from flowhand.errors import ConfigurationError, ObjectAlreadyExists, ObjectNotFound
from flowhand.wire.pool_types import AGENT_POOL, AGENTS, EXECUTED, worker_command

DEFAULT_TYPE: Final = "process"


def prepare_pool(client: SyncApiClient, options: WorkerOptions) -> dict[str, Any]:
    """The pool as the API has it; made first when there is none and the options allow that.

    ObjectNotFound when there is none, ConfigurationError when its type is another than asked for, or one that cannot be executed here.
    """
    try:
        pool = client.send(work_pools.read(options.work_pool))
    except ObjectNotFound:
        if options.type is not None:
            _check_executed(options.work_pool, options.type)
        if not options.create_pool:
            raise ObjectNotFound(
                f"there is no work pool {options.work_pool!r}; make it with: flowhand work-pool create {options.work_pool} --type process"
            ) from None
        pool = _create(client, options)
    kind = str(pool["type"])
    if options.type is not None and options.type != kind:
        raise ConfigurationError(f"work pool {options.work_pool!r} is of type {kind!r}, not {options.type!r}; leave --type out")
    _check_executed(options.work_pool, kind)
    return pool


def _check_executed(pool: str, kind: str) -> None:
    if kind in EXECUTED:
        return
    known = ", ".join(sorted(EXECUTED))
    command = worker_command(kind, pool)
    raise ConfigurationError(
        f"work pool {pool!r} is of type {kind!r}, which this worker does not execute (it executes {known}); "
        + (f"Prefect's may: {command}" if command else "nor does any other worker")
    )


def _create(client: SyncApiClient, options: WorkerOptions) -> dict[str, Any]:
    kind = options.type or (AGENTS if options.work_pool == AGENT_POOL else DEFAULT_TYPE)
    fields: dict[str, Any] = {}
    if options.base_job_template is not None:
        fields["base_job_template"] = _template(options.base_job_template)
    elif kind not in (DEFAULT_TYPE, AGENTS):
        fields["base_job_template"] = client.run(work_pools.templates()).get(kind)
    try:
        return client.send(work_pools.create(options.work_pool, kind, **fields))
    except ObjectAlreadyExists:  # another worker that starts beside us was quicker
        return client.send(work_pools.read(options.work_pool))


def _template(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"--base-job-template {path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"--base-job-template {path}: not JSON: {error}") from None
