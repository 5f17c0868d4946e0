"""load_flow_from_flow_run(): the flow that a run executes, its code fetched into this process's working directory."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any, Protocol

from flowhand.blocks import errands
from flowhand.blocks.block import Block
from flowhand.blocks.storage import LocalFileSystem
from flowhand.client import deployments
from flowhand.client.call import Errand, Json
from flowhand.deployments.api import api_settings, perform
from flowhand.deployments.placeholders import load_flow_or_placeholder
from flowhand.deployments.sources import BASE
from flowhand.deployments.steps_here import carry_out
from flowhand.sdk.flow import Flow
from flowhand.sdk.loading import is_file, load_flow, split_entrypoint
from flowhand.sdk.run_logging import FLOW_RUNS, RunLogger


class DeployedRun(Protocol):
    """What is asked of a run: `flowhand.sdk.flow_run.FlowRun` has it."""

    id: Any
    name: Any
    deployment_id: Any


async def load_flow_from_flow_run(
    flow_run: DeployedRun,
    ignore_storage: bool = False,
    storage_base_path: str | None = None,
    use_placeholder_flow: bool = True,
    *,
    client: Any = None,
) -> Flow[..., Any]:
    """The flow of a deployment's run. To be awaited.

    Pull steps are carried out in order, and the working directory of this process becomes the one that they put out. Without any, the code
    is copied into the working directory: from the deployment's storage block, else from its path, in which `$STORAGE_BASE_PATH` stands for
    `storage_base_path`, else for the setting. `ignore_storage` leaves that copying out. With `use_placeholder_flow` a flow whose imports
    are missing is one that raises when it is called.

    ValueError for a run without a deployment, or a deployment without an entrypoint; FlowLoadError; errors of flowhand_storage.errors.
    """
    if flow_run.deployment_id is None:
        raise ValueError(f"flow run {flow_run.name!r} ({flow_run.id}) is of no deployment, which would say where its flow is")
    deployment = await perform(_deployment(str(flow_run.deployment_id)))
    if not deployment.get("entrypoint") and not deployment.get("manifest_path"):
        raise ValueError(f"deployment {deployment['name']!r} ({deployment['id']}) has no entrypoint; deploy its flow again")
    log = _logger(flow_run)
    steps: list[Json] = deployment.get("pull_steps") or []
    if steps:
        await _carry_out(steps, log)
    elif not ignore_storage:
        await _fetch(deployment, storage_base_path or api_settings().storage_base_path, log)
    _look_here_first()
    entrypoint = await asyncio.to_thread(_entrypoint, deployment)
    log.debug("Loading the flow from %r", entrypoint)
    return await asyncio.to_thread(load_flow_or_placeholder if use_placeholder_flow else load_flow, entrypoint)


def _deployment(deployment_id: str) -> Errand[Json]:
    return (yield deployments.read(deployment_id))


def _logger(flow_run: DeployedRun) -> RunLogger:
    about = {"flow_run_id": str(flow_run.id), "flow_run_name": flow_run.name, "flow_name": getattr(flow_run, "flow_name", "")}
    return RunLogger(logging.getLogger(FLOW_RUNS), about)


def _look_here_first() -> None:
    here = str(Path.cwd())
    if sys.path[:1] != [here]:
        sys.path.insert(0, here)


# --- pull steps -----------------------------------------------------------------------------------------------------------------------


async def _carry_out(steps: list[Json], log: RunLogger) -> None:
    log.debug("Running %d pull step(s)", len(steps))
    progress = await asyncio.to_thread(carry_out, steps, lambda line: log.debug("%s", line))
    if progress.directory is not None:
        log.info("The code is in %r", progress.directory)
        os.chdir(progress.directory)


# --- storage --------------------------------------------------------------------------------------------------------------------------


async def _fetch(deployment: Json, base: str | None, log: RunLogger) -> None:
    """Copies the code into the working directory."""
    path = deployment.get("path")
    if path is not None:
        path = _native(path if base is None else path.replace(BASE, base))
    storage: Any
    if deployment.get("storage_document_id"):
        storage = await perform(errands.load_by_id(Block, deployment["storage_document_id"]))
        from_path = path
    else:
        folder = path or str(Path(_native(deployment.get("manifest_path") or ".")).parent)
        storage, from_path = LocalFileSystem(basepath=folder), None
    log.info("Downloading the flow's code from %s at %r", type(storage).__name__, path or getattr(storage, "basepath", None) or ".")
    got = await asyncio.to_thread(storage.get_directory, from_path=from_path, local_path=".")
    if inspect.isawaitable(got):  # a storage block of the user's own may be written as a coroutine
        await got


# --- the entrypoint -------------------------------------------------------------------------------------------------------------------


def _entrypoint(deployment: Json) -> str:
    if deployment.get("manifest_path"):
        return _of_manifest(Path(_native(deployment["manifest_path"])))
    place, name = split_entrypoint(deployment["entrypoint"])
    return f"{_native(place)}:{name}" if is_file(place) else deployment["entrypoint"]


def _of_manifest(path: Path) -> str:
    """A manifest's flow. ValueError for a file that is none."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        import_path = _native(str(found["import_path"]))
    except OSError as error:
        raise ValueError(f"the manifest {path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"the manifest {path} is no JSON object with an import_path") from None
    return str((path.parent / import_path).absolute())


def _native(path: str) -> str:
    """A path of another platform in the form of this one."""
    return path.replace("\\", "/").replace("/", os.sep)
