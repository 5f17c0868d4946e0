"""`flowhand deployment …`"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from flowhand.cli import deployment_run, names, schedule
from flowhand.cli.asking import YesOption, confirm
from flowhand.cli.connection import api
from flowhand.cli.formats import Format, OutputOption, say, write_fields, write_json
from flowhand.cli.lazy import NOUNS, noun
from flowhand.cli.tables import Column, state_text, write_table
from flowhand.cli.times import ago
from flowhand.client import deployments
from flowhand.client.call import Json

app = noun(NOUNS["deployment"].about)
app.add_typer(schedule.app, name="schedule")
app.command("run")(deployment_run.run)

Name = Annotated[str, typer.Argument(metavar="NAME", help="flow/deployment, or the deployment's name alone, or its id.")]


@app.command("ls")
def ls(
    flow: Annotated[str | None, typer.Option(metavar="FLOW", help="Only deployments of this flow.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Only those with this tag; may be given again.")] = None,
    pool: Annotated[str | None, typer.Option(metavar="POOL", help="Only those of this work pool.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most so many.")] = 200,
    output: OutputOption = Format.TEXT,
) -> None:
    """List deployments."""
    with api() as client:
        found = client.run(names.with_flow_names(deployments.listed(flow_name=flow, tags=tag, work_pool=pool, limit=limit)))
    if output is Format.JSON:
        return write_json(found)
    columns = [Column("NAME"), Column("SCHEDULE"), Column("WORK POOL"), Column("STATUS", fixed=True)]
    rows = [(names.full_name(one), _schedules(one), one.get("work_pool_name") or "(served)", _status(one)) for one in found]
    return write_table(columns, rows, empty="There are no deployments yet; `flow.serve(name)` or `flow.deploy(name)` makes one.")


@app.command("inspect")
def inspect(name: Name, output: OutputOption = Format.TEXT) -> None:
    """Show a deployment."""
    with api() as client:
        found = names.deployment(client, name)
    if output is Format.JSON:
        return write_json(found)
    schema = found.get("parameter_openapi_schema") or {}
    return write_fields(
        {
            "name": names.full_name(found),
            "id": found["id"],
            "status": str(_status(found)),
            "description": found.get("description"),
            "version": found.get("version"),
            "entrypoint": found.get("entrypoint"),
            "path": found.get("path"),
            "work pool": found.get("work_pool_name"),
            "work queue": found.get("work_queue_name"),
            "tags": ", ".join(found.get("tags") or ()),
            "limit": (found.get("global_concurrency_limit") or {}).get("limit"),
            "created": ago(found.get("created")),
            "updated": ago(found.get("updated")),
            "schedules": [schedule.in_words(one) for one in found.get("schedules") or ()],
            "takes": {key: _kind(value) for key, value in (schema.get("properties") or {}).items()},
            "parameters": found.get("parameters"),
            "job variables": found.get("job_variables"),
            "pull steps": found.get("pull_steps"),
        }
    )


@app.command("pause")
def pause(name: Name) -> None:
    """Stop scheduling it; runs on demand go on."""
    _set_paused(name, True)


@app.command("resume")
def resume(name: Name) -> None:
    """Schedule it again."""
    _set_paused(name, False)


@app.command("delete")
def delete(name: Name, yes: YesOption = False) -> None:
    """Delete a deployment and its runs that have not begun."""
    with api() as client:
        found = names.deployment(client, name)
        confirm(f"Delete deployment {names.full_name(found)!r}?", yes)
        client.send(deployments.delete(found["id"]))
    say(f"Deleted deployment '{names.full_name(found)}'.")


def _set_paused(name: str, paused: bool) -> None:
    with api() as client:
        found = names.deployment(client, name)
        client.send(deployments.update(found["id"], {"paused": paused}))
    say(f"{'Paused' if paused else 'Resumed'} deployment '{names.full_name(found)}'.")


def _schedules(one: Json) -> str:
    active = [schedule.in_words(entry) for entry in one.get("schedules") or () if entry.get("active", True)]
    return "; ".join(active) or "-"


def _status(one: Json) -> Text:
    if one.get("paused"):
        return state_text("PAUSED")
    status = one.get("status") or "NOT_READY"
    return state_text(status, {"NOT_READY": "no worker"}.get(status))


def _kind(spec: Json) -> Any:
    kind = spec.get("type") or " | ".join(str(one.get("type", "any")) for one in spec.get("anyOf", ())) or "any"
    return f"{kind}, default {spec['default']!r}" if "default" in spec else str(kind)
