"""From a claimed run to the job its process is told. Pure functions; the environment is handed in."""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flowhand.daemon.containers import IN_CONTAINER, KIND, container_of
from flowhand.errors import LaunchError
from flowhand.ids import new_id
from flowhand.wire.job import Job
from flowhand.wire.runner import ClaimedRun

_ENV_PLACEHOLDER: Final = re.compile(r"\{\{\s*\$([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_ENTRYPOINT_COMMANDS: Final = ("flowhand flow-run execute", "prefect flow-run execute", "python -m prefect.engine")


@dataclass(frozen=True, slots=True)
class Place:
    """What a daemon adds to each of its jobs."""

    directory: Path
    """Where relative paths count from."""
    home: Path
    api_url: str
    api_file: Path | None
    worker: str
    log_level: str
    storage_base_path: str | None
    environ: Mapping[str, str]
    in_containers: bool = False
    """Runs are executed in containers, where paths and homes are others."""


def configuration(claimed: ClaimedRun, place: Place) -> dict[str, Any]:
    """The run's job variables, with the worker's environment filled in."""
    return {key: _fill(value, place.environ) for key, value in claimed.job.items()}


def make_job(
    claimed: ClaimedRun,
    place: Place,
    *,
    start_at: float | None,
    lease_until: float | None,
    redelivered: bool,
    config: dict[str, Any] | None = None,
    secrets: Sequence[str] = (),
) -> Job:
    """The job of one attempt. LaunchError when the deployment's configuration cannot be followed.

    `config` is `configuration`, when more was filled in; `secrets` are the texts in it that nobody may read.
    """
    config = configuration(claimed, place) if config is None else config
    deployment = claimed.deployment
    job = Job(
        run_id=claimed.run_id,
        attempt=claimed.attempt,
        run_count=claimed.run_count,
        name=claimed.name,
        flow_id=claimed.flow_id,
        flow_name=claimed.flow_name,
        deployment_id=deployment.id if deployment else None,
        deployment_name=deployment.name if deployment else None,
        entrypoint=deployment.entrypoint if deployment else None,
        directory=_directory(claimed, config, place),
        pull_steps=list(deployment.pull_steps or []) if deployment else [],
        parameters=claimed.parameters,
        tags=claimed.tags,
        labels=claimed.labels,
        scheduled_us=claimed.scheduled_us,
        start_at=start_at,
        lease_until=lease_until,
        env=_environment(claimed, config, place),
        command=_command(config),
        python=str(config["python"]) if config.get("python") else None,
        log_level=getattr(logging, place.log_level, logging.INFO),
        api_url=place.api_url,
        api_file=str(place.api_file) if place.api_file else None,
        work_pool=claimed.work_pool,
        work_queue=claimed.work_queue,
        worker=place.worker,
        mark=new_id(),
        redelivered=redelivered,
        crash_policy="retry" if claimed.begins_again else "crash",
    )
    if secrets:
        job["secrets"] = list(secrets)
    if place.in_containers or config.get(KIND) == IN_CONTAINER:
        job["container"] = container_of(claimed, config, job["env"], job["command"])
        job["directory"] = str((deployment.path if deployment else None) or ".")
    return job


def _directory(claimed: ClaimedRun, config: dict[str, Any], place: Place) -> str:
    path = config.get("working_dir") or (claimed.deployment.path if claimed.deployment else None) or "."
    text = str(path)
    if "$STORAGE_BASE_PATH" in text:
        if place.storage_base_path is None:
            raise LaunchError(f"the deployment's path is {text!r}, but FLOWHAND__STORAGE_BASE_PATH is not set on this worker")
        text = text.replace("$STORAGE_BASE_PATH", place.storage_base_path)
    return str(place.directory / text)


def _environment(claimed: ClaimedRun, config: dict[str, Any], place: Place) -> dict[str, str | None]:
    env: dict[str, str | None] = {
        "FLOWHAND__FLOW_RUN_ID": claimed.run_id,
        "FLOWHAND__FLOW_NAME": claimed.flow_name,
        "FLOWHAND__WORKER_NAME": place.worker,
        "FLOWHAND_API_URL": place.api_url,
        "FLOWHAND_HOME": str(place.home),
    }
    if claimed.deployment:
        env["FLOWHAND__DEPLOYMENT_ID"] = claimed.deployment.id
        env["FLOWHAND__DEPLOYMENT_NAME"] = claimed.deployment.name
    given = config.get("env") or {}
    if not isinstance(given, dict):
        raise LaunchError(f"the job variable env is {type(given).__name__}, not a mapping of names to values")
    for name, value in given.items():
        env[str(name)] = None if value is None else str(value)
    return env


def _command(config: dict[str, Any]) -> list[str] | None:
    command = config.get("command")
    if not command:
        return None
    if isinstance(command, list):
        return [str(part) for part in command]
    text = str(command).strip()
    if text in _ENTRYPOINT_COMMANDS:  # what every image-based pool writes; here it means our own child, warm
        return None
    try:
        return shlex.split(text)
    except ValueError as error:
        raise LaunchError(f"the job variable command cannot be read as a command line: {error}: {text!r}") from error


def _fill(value: Any, environ: Mapping[str, str]) -> Any:
    """Fills `{{ $NAME }}` from the worker's environment; always text (contract 6.2, step 6)."""
    if isinstance(value, str):
        return _ENV_PLACEHOLDER.sub(lambda match: environ.get(match[1], ""), value)
    if isinstance(value, dict):
        return {key: _fill(item, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, environ) for item in value]
    return value
