"""Jobs for tests of execution: one of everything, changed where it matters."""

from __future__ import annotations

import logging
import sys
import time
import uuid
from pathlib import Path
from typing import Any, cast

from flowhand.execution.sweep import mark_of
from flowhand.wire.job import Container, Job, key_of


def make_container(**changes: Any) -> Container:
    """What a job says of its container: without a network, taken away at its end."""
    about: dict[str, Any] = {
        "image": "",
        "command": [],
        "name": "",
        "env": {},
        "labels": {},
        "image_pull_policy": None,
        "registry_credentials": None,
        "networks": [],
        "network_mode": "none",
        "volumes": [],
        "mem_limit": None,
        "memswap_limit": None,
        "privileged": False,
        "auto_remove": True,
    }
    return cast("Container", {**about, **changes})


def make_job(instance: Path, **changes: Any) -> Job:
    """A job of that instance with a run id of its own."""
    run_id = changes.pop("run_id", None) or str(uuid.uuid4())
    attempt = changes.pop("attempt", 1)
    job: dict[str, Any] = {
        "run_id": run_id,
        "attempt": attempt,
        "run_count": 1,
        "name": "brave-otter",
        "flow_id": str(uuid.uuid4()),
        "flow_name": "tested",
        "deployment_id": None,
        "deployment_name": None,
        "entrypoint": None,
        "directory": str(instance),
        "pull_steps": [],
        "parameters": {},
        "tags": [],
        "labels": {},
        "scheduled_us": time.time_ns() // 1000,
        "start_at": None,
        "lease_until": None,
        "env": {},
        "command": None,
        "python": None,
        "log_level": logging.INFO,
        "api_url": "http://127.0.0.1:1/api",
        "api_file": None,
        "work_pool": None,
        "work_queue": None,
        "worker": "tests",
        "mark": mark_of(instance, key_of(run_id, attempt)),
        "redelivered": False,
    }
    return Job(**{**job, **changes})  # type: ignore[typeddict-item]


def shell(instance: Path, script: str, **changes: Any) -> Job:
    """A job that is a shell script."""
    return make_job(instance, command=["/bin/sh", "-c", script], **changes)


def python(instance: Path, script: str, **changes: Any) -> Job:
    """A job that is a Python script, in a bare interpreter of its own."""
    return make_job(instance, command=[sys.executable, "-S", "-c", script], **changes)


def key(job: Job) -> str:
    """How the launcher names it."""
    return key_of(job["run_id"], job["attempt"])
