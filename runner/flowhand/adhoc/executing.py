"""Executing a run that the API has already, in this process: `flowhand flow-run execute`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from flowhand.adhoc.outbox import Line
from flowhand.adhoc.run_reporter import RunReporter, begin
from flowhand.child.place import directory_of, go_to
from flowhand.client import deployments, flow_runs, flows
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Json
from flowhand.deployments.running import flow_run_of
from flowhand.errors import ApiRefused, FlowLoadError, ParameterError, PullStepFailed
from flowhand.sdk.attempt import Attempt
from flowhand.sdk.calling import carry_out, carry_out_async
from flowhand.sdk.context import RunContext
from flowhand.sdk.flow import Flow
from flowhand.sdk.flow_run import FlowRun
from flowhand.sdk.loading import load_flow
from flowhand.sdk.parameters import as_parameters, bind_parameters, validate
from flowhand.sdk.run_logging import show_on_console
from flowhand.sdk.states import State
from flowhand.settings import Settings

_CONFLICT: Final = 409


def execute_run(client: SyncApiClient, settings: Settings, run_id: str) -> State:
    """Claims the run, whatever its time, executes it to its end, retries included, and answers its last state.

    This process changes into the deployment's folder, or where its pull steps lead, for good. Code that cannot be fetched and a flow that
    cannot be loaded fail the run. ObjectNotFound for an unknown run; ApiRefused when it cannot be claimed.
    """
    found: Json = client.send(flow_runs.read(run_id))
    about = flow_run_of(found)
    about.flow_name = client.send(flows.read(found["flow_id"]))["name"]
    if about.deployment_id is None:
        raise ApiRefused(f"run {about.name!r} has no deployment, so nothing says where its flow is", _CONFLICT)
    deployment: Json = client.send(deployments.read(about.deployment_id))
    said: list[Line] = []
    attempt = _prepared(about, deployment, lambda: _place_of(client, deployment, run_id, said))
    reporter = begin(attempt, client.address, settings, None, known_id=run_id)
    attempt.run.reporter = reporter
    _check_claimed(reporter)
    for line in said:
        reporter.tell_line(line)
    show_on_console()
    if attempt.what.is_async:
        asyncio.run(carry_out_async(attempt))
    else:
        carry_out(attempt)
    return attempt.state


def _check_claimed(reporter: RunReporter) -> None:
    if not reporter.run.leased:
        reporter.forget()
        why = reporter.run.refusal or "the API does not answer"
        raise ApiRefused(f"run {reporter.run.about.name!r} cannot be executed: {why}", _CONFLICT)


def _place_of(client: SyncApiClient, deployment: Json, run_id: str, said: list[Line]) -> str:
    """The folder of the deployment's code; `said` is given what its pull steps have to say. PullStepFailed."""
    path, steps = deployment.get("path"), deployment.get("pull_steps") or []
    place = directory_of(path, steps)
    if place is not None:
        return place
    from flowhand.adhoc.pulling import pull  # here: most runs have no steps that fetch, and this loads code storage

    return pull(client, steps, path, run_id, said)


def _prepared(about: FlowRun, deployment: Json, place: Callable[[], str]) -> Attempt:
    """The run's attempt; of a flow that cannot be fetched, loaded or called, one that fails for that reason."""
    try:
        go_to(place())
        flow = load_flow(deployment.get("entrypoint") or "")
        bound = bind_parameters(flow.signature, flow.name, about.parameters)
        if flow.should_validate_parameters:
            validate(flow.name, bound, frozenset(about.parameters))
        about.parameters = as_parameters(bound)
        about.flow_version = flow.version
    except (PullStepFailed, FlowLoadError, ParameterError) as error:
        flow = _failing(about.flow_name, error)
        bound = bind_parameters(flow.signature, flow.name, {})
    return Attempt(flow, RunContext(about, flow, bool(flow.log_prints)), bound)


def _failing(name: str, error: Exception) -> Flow[..., Any]:
    def fail() -> None:
        raise error

    return Flow(fail, name=name, version="")
