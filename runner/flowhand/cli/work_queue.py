"""`flowhand work-queue …`"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flowhand.cli import names
from flowhand.cli.asking import YesOption, confirm
from flowhand.cli.connection import api
from flowhand.cli.formats import Format, OutputOption, say, write_fields, write_json
from flowhand.cli.lazy import NOUNS, noun
from flowhand.cli.tables import Column, write_table
from flowhand.cli.times import ago
from flowhand.cli.work_pool import status_text
from flowhand.client import work_queues

app = noun(NOUNS["work-queue"].about)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The queue.")]
Pool = Annotated[str, typer.Option("--pool", "-p", metavar="POOL", help="The work pool it belongs to.")]


@app.command("create")
def create(
    name: Name,
    pool: Pool,
    priority: Annotated[int | None, typer.Option(min=1, metavar="N", help="1 is served first; default: after the others.")] = None,
    limit: Annotated[int | None, typer.Option("--concurrency-limit", min=0, metavar="N", help="Runs at once in this queue.")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="A line about it.")] = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Create a queue in a work pool."""
    with api() as client:
        names.work_pool(client, pool)
        queue = client.send(work_queues.create(pool, name, priority=priority, concurrency_limit=limit, description=description))
    if output is Format.JSON:
        return write_json(queue)
    return say(f"Created work queue '{name}' in work pool '{pool}' with priority {queue.get('priority')}.")


@app.command("ls")
def ls(pool: Pool, output: OutputOption = Format.TEXT) -> None:
    """List the queues of a work pool, in order of priority."""
    with api() as client:
        names.work_pool(client, pool)
        found = sorted(client.run(work_queues.listed(pool)), key=lambda queue: queue.get("priority") or 0)
    if output is Format.JSON:
        return write_json(found)
    columns = [Column("NAME"), Column("PRIORITY"), Column("STATUS", fixed=True), Column("LIMIT"), Column("LAST POLLED")]
    rows = [
        (
            queue["name"],
            str(queue.get("priority", "-")),
            status_text(queue),
            "none" if queue.get("concurrency_limit") is None else str(queue["concurrency_limit"]),
            ago(queue.get("last_polled")),
        )
        for queue in found
    ]
    return write_table(columns, rows, empty=f"Work pool '{pool}' has no queues.")


@app.command("inspect")
def inspect(name: Name, pool: Pool, output: OutputOption = Format.TEXT) -> None:
    """Show a queue and how it keeps up."""
    with api() as client:
        queue = names.work_queue(client, pool, name)
        status = client.send(work_queues.status(queue["id"]))
    if output is Format.JSON:
        return write_json({**queue, "health": status})
    return write_fields(
        {
            "name": queue["name"],
            "work pool": pool,
            "id": queue["id"],
            "priority": queue.get("priority"),
            "limit": "none" if queue.get("concurrency_limit") is None else queue["concurrency_limit"],
            "status": str(status_text(queue)),
            "description": queue.get("description"),
            "healthy": "yes" if status.get("healthy") else "no",
            "late runs": str(status.get("late_runs_count", 0)),
            "last polled": ago(queue.get("last_polled")),
        }
    )


@app.command("pause")
def pause(name: Name, pool: Pool) -> None:
    """Give out no more runs of this queue."""
    _change(name, pool, {"is_paused": True}, "Paused")


@app.command("resume")
def resume(name: Name, pool: Pool) -> None:
    """Give out runs of this queue again."""
    _change(name, pool, {"is_paused": False}, "Resumed")


@app.command("set-concurrency-limit")
def set_concurrency_limit(
    name: Name, limit: Annotated[int, typer.Argument(min=0, metavar="LIMIT", help="Runs at once; 0 lets none begin.")], pool: Pool
) -> None:
    """Limit the runs at once in this queue."""
    _change(name, pool, {"concurrency_limit": limit}, f"Set the limit {limit} on")


@app.command("clear-concurrency-limit")
def clear_concurrency_limit(name: Name, pool: Pool) -> None:
    """Take the limit away."""
    _change(name, pool, {"concurrency_limit": None}, "Took the limit off")


@app.command("set-priority")
def set_priority(
    name: Name, priority: Annotated[int, typer.Argument(min=1, metavar="PRIORITY", help="1 is served first.")], pool: Pool
) -> None:
    """Serve this queue before those with a higher number."""
    _change(name, pool, {"priority": priority}, f"Set the priority {priority} on")


@app.command("delete")
def delete(name: Name, pool: Pool, yes: YesOption = False) -> None:
    """Delete a queue."""
    with api() as client:
        names.work_queue(client, pool, name)
        confirm(f"Delete work queue {name!r} of work pool {pool!r}?", yes)
        client.send(work_queues.delete(pool, name))
    say(f"Deleted work queue '{name}' of work pool '{pool}'.")


def _change(name: str, pool: str, changes: dict[str, Any], done: str) -> None:
    with api() as client:
        queue = names.work_queue(client, pool, name)
        if "is_paused" not in changes:
            changes = {**changes, "is_paused": bool(queue.get("is_paused"))}  # absent, some servers take it for false
        client.send(work_queues.update(queue["id"], changes))
    say(f"{done} work queue '{name}' of work pool '{pool}'.")
