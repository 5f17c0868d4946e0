"""`flowhand work-pool …`"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from flowhand.cli import names
from flowhand.cli.asking import YesOption, confirm
from flowhand.cli.connection import api
from flowhand.cli.formats import Format, OutputOption, say, write_fields, write_json
from flowhand.cli.lazy import NOUNS, noun
from flowhand.cli.tables import Column, state_text, write_table
from flowhand.cli.times import ago
from flowhand.client import work_pools
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Json
from flowhand.errors import ConfigurationError, ObjectAlreadyExists
from flowhand.wire.pool_types import worker_command

app = noun(NOUNS["work-pool"].about)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The work pool.")]
Limit = Annotated[int, typer.Argument(min=0, metavar="LIMIT", help="Runs at once; 0 lets none begin.")]
Template = Annotated[Path | None, typer.Option("--base-job-template", metavar="FILE", help="A JSON file; default: the type's own.")]


@app.command("create")
def create(
    name: Name,
    kind: Annotated[
        str, typer.Option("--type", "-t", metavar="TYPE", help="process, docker, or kubernetes (for Prefect's own workers).")
    ] = "process",
    paused: Annotated[bool, typer.Option("--paused", help="Give out no runs until resumed.")] = False,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="A line about it.")] = None,
    limit: Annotated[int | None, typer.Option("--concurrency-limit", min=0, metavar="N", help="Runs at once in the whole pool.")] = None,
    template: Template = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Change the pool when there is one of that name.")] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Create a work pool."""
    fields: Json = {"is_paused": paused, "description": description, "concurrency_limit": limit}
    given = read_template(template)
    with api() as client:
        try:
            pool = client.send(work_pools.create(name, kind, **fields, base_job_template=given or _template_of(client, kind)))
            done = "Created"
        except ObjectAlreadyExists:
            if not overwrite:
                raise ObjectAlreadyExists(f"work pool {name!r} exists already; `--overwrite` changes it") from None
            client.send(work_pools.update(name, _given({**fields, "base_job_template": given})))
            pool = client.send(work_pools.read(name))
            done = "Changed"
    if output is Format.JSON:
        return write_json(pool)
    say(f"{done} work pool '{name}' of type {pool['type']}.")
    command = worker_command(pool["type"], name)
    if command:
        say(f"Start a worker for it: {command}")
    return None


@app.command("ls")
def ls(
    kind: Annotated[str | None, typer.Option("--type", "-t", metavar="TYPE", help="Only pools of this type.")] = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """List work pools."""
    with api() as client:
        found = client.run(work_pools.listed(type=kind))
    if output is Format.JSON:
        return write_json(found)
    columns = [Column("NAME"), Column("TYPE", fixed=True), Column("STATUS", fixed=True), Column("RUNNING"), Column("LIMIT")]
    rows = [
        (pool["name"], pool["type"], status_text(pool), _number(pool.get("active_slots")), _number(pool.get("concurrency_limit"), "none"))
        for pool in found
    ]
    return write_table(columns, rows, empty="There are no work pools yet; `flowhand work-pool create NAME` makes one.")


@app.command("inspect")
def inspect(name: Name, output: OutputOption = Format.TEXT) -> None:
    """Show a work pool, its queues' slots and its job template."""
    with api() as client:
        pool = names.work_pool(client, name)
        workers = client.run(work_pools.workers(name))
    if output is Format.JSON:
        return write_json(pool)
    return write_fields(
        {
            "name": pool["name"],
            "id": pool["id"],
            "type": pool["type"],
            "status": str(status_text(pool)),
            "description": pool.get("description"),
            "limit": _number(pool.get("concurrency_limit"), "none"),
            "running": _number(pool.get("active_slots")),
            "workers online": ", ".join(worker["name"] for worker in workers if worker.get("status") == "ONLINE") or "none",
            "created": ago(pool.get("created")),
            "job template": pool.get("base_job_template"),
        }
    )


@app.command("update")
def update(
    name: Name,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="A line about it.")] = None,
    limit: Annotated[int | None, typer.Option("--concurrency-limit", min=0, metavar="N", help="Runs at once in the whole pool.")] = None,
    template: Template = None,
) -> None:
    """Change a work pool; what is not given stays."""
    changes = _given({"description": description, "concurrency_limit": limit, "base_job_template": read_template(template)})
    if not changes:
        raise ConfigurationError("nothing to change: give --description, --concurrency-limit or --base-job-template")
    _change(name, changes, "Changed work pool '{name}'.")


@app.command("pause")
def pause(name: Name) -> None:
    """Give out no more runs; running ones go on."""
    _change(name, {"is_paused": True}, "Paused work pool '{name}': it gives out no runs until resumed.")


@app.command("resume")
def resume(name: Name) -> None:
    """Give out runs again."""
    _change(name, {"is_paused": False}, "Resumed work pool '{name}'.")


@app.command("set-concurrency-limit")
def set_concurrency_limit(name: Name, limit: Limit) -> None:
    """Limit the runs at once in the whole pool."""
    _change(name, {"concurrency_limit": limit}, f"Work pool '{{name}}' runs at most {limit} at once.")


@app.command("clear-concurrency-limit")
def clear_concurrency_limit(name: Name) -> None:
    """Take the limit away."""
    _change(name, {"concurrency_limit": None}, "Work pool '{name}' has no limit of its own.")


@app.command("delete")
def delete(name: Name, yes: YesOption = False) -> None:
    """Delete a work pool with its queues."""
    with api() as client:
        names.work_pool(client, name)
        confirm(f"Delete work pool {name!r}, its queues and its deployments' place to run?", yes)
        client.send(work_pools.delete(name))
    say(f"Deleted work pool '{name}'.")


def _given(fields: Json) -> Json:
    return {key: value for key, value in fields.items() if value is not None}


def _change(name: str, changes: dict[str, Any], done: str) -> None:
    with api() as client:
        names.work_pool(client, name)
        client.send(work_pools.update(name, changes))
    say(done.format(name=name))


def _template_of(client: SyncApiClient, kind: str) -> Json | None:
    """The type's own template. ConfigurationError for a type that is probably a slip; one that nobody knows may still have its worker."""
    known = client.run(work_pools.templates())
    meant = names.near(kind, list(known))
    if kind not in known and meant is not None:
        raise ConfigurationError(f"there is no type {kind!r}, did you mean {meant!r}?")
    return known.get(kind)


def read_template(path: Path | None) -> Json | None:
    """A base job template from a file. ConfigurationError when it is none."""
    if path is None:
        return None
    try:
        template = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"{path} is not JSON: {error}") from None
    if not isinstance(template, dict) or not isinstance(template.get("job_configuration"), dict):
        raise ConfigurationError(f"{path} is no job template: it needs an object `job_configuration`, and `variables` beside it")
    return template


def status_text(thing: Json) -> Any:
    """A pool's or queue's status; paused wins."""
    status = "PAUSED" if thing.get("is_paused") else (thing.get("status") or "NOT_READY")
    return state_text(status, {"NOT_READY": "no worker"}.get(status))


def _number(value: int | None, none: str = "-") -> str:
    return none if value is None else str(value)
