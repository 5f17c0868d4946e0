"""`flowhand global-concurrency-limit …`: limits by name, which flows and deployments share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flowhand.cli.asking import YesOption, confirm
from flowhand.cli.connection import api
from flowhand.cli.formats import Format, OutputOption, say, write_fields, write_json
from flowhand.cli.lazy import NOUNS, noun
from flowhand.cli.names import hint, near
from flowhand.cli.tables import Column, write_table
from flowhand.cli.times import ago
from flowhand.client import concurrency
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Json
from flowhand.errors import ConfigurationError, ObjectNotFound

app = noun(NOUNS["global-concurrency-limit"].about)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The limit.")]
Decay = Annotated[float | None, typer.Option(min=0, metavar="RATE", help="Slots that free themselves each second: a rate limit.")]


@app.command("ls")
def ls(output: OutputOption = Format.TEXT) -> None:
    """List the limits by name."""
    with api() as client:
        found = client.run(concurrency.listed())
    if output is Format.JSON:
        return write_json(found)
    rows = [
        (one["name"], str(one["limit"]), str(one.get("active_slots", 0)), "on" if one.get("active") else "off", ago(one.get("updated")))
        for one in found
    ]
    columns = [Column("NAME"), Column("LIMIT"), Column("IN USE"), Column("STATE", fixed=True), Column("CHANGED")]
    return write_table(columns, rows, empty="There are no global limits yet.")


@app.command("create")
def create(
    name: Name,
    limit: Annotated[int, typer.Option("--limit", "-l", min=0, metavar="N", help="Slots.")],
    slot_decay_per_second: Decay = None,
    disabled: Annotated[bool, typer.Option("--disable", help="Create it, but do not hold anybody to it.")] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Create a limit."""
    decay = {} if slot_decay_per_second is None else {"slot_decay_per_second": slot_decay_per_second}
    with api() as client:
        made = client.send(concurrency.create({"name": name, "limit": limit, "active": not disabled, **decay}))
    if output is Format.JSON:
        return write_json(made)
    return say(f"Created global concurrency limit '{name}' with {limit} slots.")


@app.command("inspect")
def inspect(name: Name, output: OutputOption = Format.TEXT) -> None:
    """Show a limit."""
    with api() as client:
        found = _find(client, name)
    if output is Format.JSON:
        return write_json(found)
    shown = {"name": found["name"], "id": found["id"], "limit": str(found["limit"]), "in use": str(found.get("active_slots", 0))}
    return write_fields(shown | {"enabled": found.get("active"), "slots freed each second": str(found.get("slot_decay_per_second", 0))})


@app.command("update")
def update(
    name: Name,
    limit: Annotated[int | None, typer.Option("--limit", "-l", min=0, metavar="N", help="Slots.")] = None,
    slot_decay_per_second: Decay = None,
    active_slots: Annotated[int | None, typer.Option(min=0, metavar="N", help="How many slots count as taken.")] = None,
    new_name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="A new name.")] = None,
) -> None:
    """Change a limit."""
    given: dict[str, Any] = {
        "limit": limit,
        "slot_decay_per_second": slot_decay_per_second,
        "active_slots": active_slots,
        "name": new_name,
    }
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        raise ConfigurationError("say what to change: --limit, --slot-decay-per-second, --active-slots or --name")
    _change(name, changes, "Changed")


@app.command("enable")
def enable(name: Name) -> None:
    """Hold everybody to a limit."""
    _change(name, {"active": True}, "Enabled")


@app.command("disable")
def disable(name: Name) -> None:
    """Hold nobody to a limit."""
    _change(name, {"active": False}, "Disabled")


@app.command("delete")
def delete(name: Name, yes: YesOption = False) -> None:
    """Delete a limit."""
    with api() as client:
        _find(client, name)
        confirm(f"Delete global concurrency limit {name!r}?", yes)
        client.send(concurrency.delete(name))
    say(f"Deleted global concurrency limit '{name}'.")


def _change(name: str, changes: dict[str, Any], done: str) -> None:
    with api() as client:
        _find(client, name)
        client.send(concurrency.update(name, changes))
    say(f"{done} global concurrency limit '{name}'.")


def _find(client: SyncApiClient, name: str) -> Json:
    try:
        return client.send(concurrency.read(name))
    except ObjectNotFound:
        known = [one["name"] for one in client.run(concurrency.listed())]
        words = hint(near(name, known), known, "flowhand global-concurrency-limit ls")
        raise ObjectNotFound(f"global concurrency limit {name!r} not found{words}") from None
