"""`flowhand flow-run …`"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.text import Text

from flowhand.cli import flow_run_logs, names
from flowhand.cli.asking import YesOption, confirm
from flowhand.cli.connection import api
from flowhand.cli.failures import Exit
from flowhand.cli.formats import Format, OutputOption, say, write_fields, write_json
from flowhand.cli.lazy import NOUNS, noun
from flowhand.cli.tables import Column, state_text, write_table
from flowhand.cli.times import ago, lasting
from flowhand.cli.watch import watch_run
from flowhand.client import flow_runs
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Json
from flowhand.errors import ApiRefused
from flowhand.settings import load
from flowhand.wire.job import HANDOVER
from flowhand.wire.states import StateType, is_terminal

app = noun(NOUNS["flow-run"].about)
app.command("logs")(flow_run_logs.logs)

Run = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, or its name when only one has it.")]


@app.command("ls")
def ls(
    flow: Annotated[str | None, typer.Option(metavar="FLOW", help="Only runs of this flow.")] = None,
    deployment: Annotated[str | None, typer.Option(metavar="NAME", help="Only runs of this deployment.")] = None,
    pool: Annotated[str | None, typer.Option(metavar="POOL", help="Only runs of this work pool.")] = None,
    state: Annotated[
        list[str] | None, typer.Option(metavar="STATE", help="Only runs in this state (a type or a name). May be given again.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Only runs with this tag. May be given again.")] = None,
    upcoming: Annotated[
        bool, typer.Option("--upcoming", help="What is planned, the next first, in place of what was due already.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 20,
    output: OutputOption = Format.TEXT,
) -> None:
    """List runs that were due, the latest first; with --upcoming those that are planned."""
    types = [one.upper() for one in state or () if one.upper() in StateType.__members__]
    state_names = [one for one in state or () if one.upper() not in StateType.__members__]
    with api() as client:
        ids = [names.deployment(client, deployment)["id"]] if deployment else None
        listing = flow_runs.listed(
            flow_name=flow,
            deployment_ids=ids,
            work_pool=pool,
            states=state_names,
            state_types=types,
            tags=tag,
            limit=limit,
            **_span(upcoming),
        )
        found = client.run(names.with_flow_names(listing))
    if output is Format.JSON:
        return write_json(found)
    columns = [Column("ID", fixed=True), Column("FLOW"), Column("NAME"), Column("STATE", fixed=True), Column("WHEN", fixed=True)]
    rows = [(one["id"], one["flow_name"], one["name"], _state(one), _when(one)) for one in found]
    return write_table(columns, rows, empty="There are no such runs.")


@app.command("inspect")
def inspect(run: Run, output: OutputOption = Format.TEXT) -> None:
    """Show a run: its state, its times, its parameters."""
    with api() as client:
        found = names.flow_run(client, run)
    if output is Format.JSON:
        return write_json(found)
    state: Json = found.get("state") or {}
    created_by: Json = found.get("created_by") or {}
    return write_fields(
        {
            "name": found["name"],
            "id": found["id"],
            "state": found.get("state_name"),
            "message": state.get("message"),
            "since": ago(state.get("timestamp")),
            "due": found.get("expected_start_time"),
            "started": found.get("start_time"),
            "ended": found.get("end_time"),
            "ran for": lasting(round(found.get("total_run_time") or 0.0, 3)),
            "attempts": found.get("run_count"),
            "flow id": found.get("flow_id"),
            "deployment id": found.get("deployment_id"),
            "work pool": found.get("work_pool_name"),
            "work queue": found.get("work_queue_name"),
            "created by": created_by.get("display_value"),
            "tags": ", ".join(found.get("tags") or ()),
            "parameters": found.get("parameters"),
            "job variables": found.get("job_variables"),
        }
    )


@app.command("cancel")
def cancel(run: Run, wait: Annotated[bool, typer.Option("--wait", help="Until it has ended.")] = False) -> None:
    """Cancel a run: its processes are told, then ended."""
    with api() as client:
        found = names.flow_run(client, run)
        result = client.send(flow_runs.set_state(found["id"], {"type": "CANCELLING", "name": "Cancelling"}))
        state = _outcome(result, found, StateType.CANCELLING, StateType.CANCELLED)
        if state == StateType.CANCELLED:
            return say(f"Cancelled run '{found['name']}'.")
        say(f"Cancelling run '{found['name']}'.")
        return _until_ended(client, found) if wait else None


@app.command("execute")
def execute(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            envvar=["FLOWHAND__FLOW_RUN_ID", "PREFECT__FLOW_RUN_ID"],
            help="The run's id; default: what FLOWHAND__FLOW_RUN_ID says.",
        ),
    ],
) -> None:
    """Execute a scheduled run here and now, in this process, from the code that its deployment names.

    In a container that a worker has started, the attempt that the worker has leased.
    """
    # here: every other command of this noun would pay for the SDK
    if HANDOVER in os.environ:
        from flowhand.child.handed_over import run as take_over

        take_over()
    from flowhand.adhoc.executing import execute_run

    with api() as client:
        state = execute_run(client, load(), run)
    if not state.is_completed():
        raise typer.Exit(Exit.FAILED)


@app.command("retry")
def retry(run: Run, watch: Annotated[bool, typer.Option("--watch", "-w", help="Show states and logs until it ends.")] = False) -> None:
    """Schedule a run that has ended once more."""
    with api() as client:
        found = names.flow_run(client, run)
        if not is_terminal(found.get("state_type") or ""):
            raise ApiRefused(f"run '{found['name']}' is {found.get('state_name')}: only a run that has ended can be retried", 409)
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retried by hand"}
        _outcome(client.send(flow_runs.set_state(found["id"], state)), found, StateType.SCHEDULED)
        say(f"Scheduled run '{found['name']}' once more.")
        return _until_ended(client, found) if watch else None


@app.command("delete")
def delete(run: Run, yes: YesOption = False) -> None:
    """Delete a run with its states and logs."""
    with api() as client:
        found = names.flow_run(client, run)
        confirm(f"Delete run {found['name']!r} with its states and logs?", yes)
        client.send(flow_runs.delete(found["id"]))
    say(f"Deleted run '{found['name']}'.")


def _span(upcoming: bool) -> dict[str, str]:
    now = datetime.now(UTC).isoformat()
    return {"due_after": now, "sort": "EXPECTED_START_TIME_ASC"} if upcoming else {"due_before": now}


def _outcome(result: Json, run: Json, *wanted: StateType) -> str:
    """The type of the state that a proposal led to. ApiRefused, with the server's reason, when it is none of those wanted."""
    state: Json = result.get("state") or {}
    if result.get("status") in ("ACCEPT", "REJECT") and state.get("type") in wanted:
        return state["type"]
    reason = (result.get("details") or {}).get("reason") or f"it is {state.get('name') or run.get('state_name')}"
    raise ApiRefused(f"run '{run['name']}': {reason}", 409, reason)


def _until_ended(client: SyncApiClient, run: Json) -> None:
    try:
        last = watch_run(client, run["id"], timeout_s=None)
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped watching; the run goes on.\n")
        raise typer.Exit(Exit.INTERRUPTED) from None
    if last.state_type not in (StateType.COMPLETED, StateType.CANCELLED):
        raise typer.Exit(Exit.FAILED)


def _state(run: Json) -> Text:
    return state_text(run.get("state_type"), run.get("state_name"))


def _when(run: Json) -> str:
    return ago(run.get("end_time") or run.get("start_time") or run.get("expected_start_time"))
