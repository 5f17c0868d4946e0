"""Executing a run that the API has already, in this process: `flowhand flow-run execute`."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from flowhand.adhoc.run_reporter import RunReporter, begin
from flowhand.child.place import directory_of, go_to
from flowhand.client import deployments, flow_runs, flows
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Json
from flowhand.deployments.running import flow_run_of
from flowhand.errors import ApiRefused, FlowLoadError, ParameterError
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

    This process changes into the deployment's folder for good. A flow that cannot be loaded fails the run. ObjectNotFound for an unknown
    run; ApiRefused when it cannot be claimed, or its deployment's code has to be fetched first, which only a worker does.
    """
    found: Json = client.send(flow_runs.read(run_id))
    about = flow_run_of(found)
    about.flow_name = client.send(flows.read(found["flow_id"]))["name"]
    if about.deployment_id is None:
        raise ApiRefused(f"run {about.name!r} has no deployment, so nothing says where its flow is", _CONFLICT)
    deployment: Json = client.send(deployments.read(about.deployment_id))
    place = directory_of(deployment.get("path"), deployment.get("pull_steps") or [])
    if place is None:
        raise ApiRefused(
            f"the code of deployment {deployment['name']!r} has to be fetched by pull steps, which only a worker does", _CONFLICT
        )
    attempt = _prepared(about, deployment, place)
    reporter = begin(attempt, client.address, settings, None, known_id=run_id)
    attempt.run.reporter = reporter
    _check_claimed(reporter)
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


def _prepared(about: FlowRun, deployment: Json, place: str) -> Attempt:
    """The run's attempt; of a flow that cannot be loaded or called, one that fails for that reason."""
    try:
        go_to(place)
        flow = load_flow(deployment.get("entrypoint") or "")
        bound = bind_parameters(flow.signature, flow.name, about.parameters)
        if flow.should_validate_parameters:
            validate(flow.name, bound, frozenset(about.parameters))
        about.parameters = as_parameters(bound)
        about.flow_version = flow.version
    except (FlowLoadError, ParameterError) as error:
        flow = _failing(about.flow_name, error)
        bound = bind_parameters(flow.signature, flow.name, {})
    return Attempt(flow, RunContext(about, flow, bool(flow.log_prints)), bound)


def _failing(name: str, error: Exception) -> Flow[..., Any]:
    def fail() -> None:
        raise error

    return Flow(fail, name=name, version="")
