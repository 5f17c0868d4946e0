"""`flowhand deployment run`"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from flowhand.cli import names
from flowhand.cli.connection import api
from flowhand.cli.failures import Exit
from flowhand.cli.formats import Format, OutputOption, say, write_json
from flowhand.cli.parameters import check_names, parse_object, parse_pairs
from flowhand.cli.times import parse_duration, parse_moment
from flowhand.cli.watch import watch_run
from flowhand.client import deployments, flow_runs
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Json
from flowhand.errors import ApiRefused, ConfigurationError, ObjectAlreadyExists
from flowhand.ids import new_id
from flowhand.wire.states import StateType


def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="flow/deployment, or the deployment's name alone, or its id.")],
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="KEY=VALUE", help="A parameter: JSON, else text. May be given again.")
    ] = None,
    params: Annotated[str | None, typer.Option(metavar="JSON", help="Parameters as one object; `-` reads it from stdin.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="When, such as 2026-01-31T09:00 or 09:00.")] = None,
    in_: Annotated[str | None, typer.Option("--in", metavar="DURATION", help="After how long, such as 90, 15m or '2 hours'.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="A tag of the run. May be given again.")] = None,
    run_name: Annotated[str | None, typer.Option("--flow-run-name", metavar="NAME", help="The run's name; default: a random one.")] = None,
    job_variable: Annotated[
        list[str] | None, typer.Option("--job-variable", "-jv", metavar="KEY=VALUE", help="A job variable. May be given again.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show states and logs until it ends; exit 1 unless it completed.")] = False,
    timeout: Annotated[str | None, typer.Option(metavar="DURATION", help="With --watch: how long to watch.")] = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Create a run of a deployment, and watch it if you like."""
    if timeout is not None and not watch:
        raise ConfigurationError("--timeout goes with --watch")
    parameters = {**(parse_object(params, "--params") if params is not None else {}), **parse_pairs(param or (), "--param")}
    due = _due(at, in_)
    timeout_s = None if timeout is None else parse_duration(timeout).total_seconds()
    with api() as client:
        deployment = names.deployment(client, name)
        check_names(deployment, parameters)
        body: Json = {
            "parameters": parameters,
            "tags": tag or [],
            "state": {"type": "SCHEDULED", "state_details": {"scheduled_time": due.isoformat()}},
            "idempotency_key": new_id(),
        }
        if run_name is not None:
            body["name"] = run_name
        if job_variable:
            body["job_variables"] = parse_pairs(job_variable, "--job-variable")
        made = _create(client, deployment, body)
        to_stderr = output is Format.JSON
        if not to_stderr:
            _tell(made, deployment, due, watch)
        if watch:
            _watch(client, made, timeout_s, to_stderr)
        elif to_stderr:
            write_json(made)


def _due(at: str | None, in_: str | None) -> datetime:
    if at is not None and in_ is not None:
        raise ConfigurationError("give --at or --in, not both")
    if at is not None:
        return parse_moment(at).astimezone(UTC)
    return datetime.now(UTC) + parse_duration(in_ or "0")


def _create(client: SyncApiClient, deployment: Json, body: Json) -> Json:
    try:
        return client.send(deployments.create_run(deployment["id"], body))
    except ObjectAlreadyExists as error:  # 409 is how the contract refuses parameters that do not fit
        raise ApiRefused(f"{names.full_name(deployment)}: {error.detail}", error.status, error.detail) from None


def _tell(made: Json, deployment: Json, due: datetime, watch: bool) -> None:
    early = (due - datetime.now(UTC)).total_seconds()
    when = f", due {due.astimezone():%Y-%m-%d %H:%M:%S}" if early > 1 else ""
    say(f"Created run '{made['name']}' of {names.full_name(deployment)}{when} ({made['id']}).")
    if not watch:
        say(f"Follow it: flowhand flow-run logs -f {made['id']}")
    sys.stdout.flush()


def _watch(client: SyncApiClient, made: Json, timeout_s: float | None, to_stderr: bool) -> None:
    try:
        last = watch_run(client, made["id"], timeout_s=timeout_s, to_stderr=to_stderr)
    except KeyboardInterrupt:
        sys.stderr.write(f"\nStopped watching; the run goes on. Cancel it: flowhand flow-run cancel {made['id']}\n")
        raise typer.Exit(Exit.INTERRUPTED) from None
    if to_stderr:
        write_json(client.send(flow_runs.read(made["id"])))
    if not last.terminal:
        sys.stderr.write(f"Still {last.state_name} after {timeout_s:g} s; the run goes on{f' ({last.why})' if last.why else ''}.\n")
    if last.state_type != StateType.COMPLETED:
        raise typer.Exit(Exit.FAILED)
