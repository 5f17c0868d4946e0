"""`flowhand artifact …`"""

from __future__ import annotations

from typing import Annotated

import typer

from flowhand.cli.asking import YesOption, confirm
from flowhand.cli.connection import api
from flowhand.cli.formats import Format, OutputOption, say, write_fields, write_json
from flowhand.cli.lazy import NOUNS, noun
from flowhand.cli.names import hint, near
from flowhand.cli.tables import Column, write_table
from flowhand.cli.times import ago
from flowhand.client import artifacts
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Json
from flowhand.errors import ObjectNotFound
from flowhand.ids import is_id

app = noun(NOUNS["artifact"].about)

Which = Annotated[str, typer.Argument(metavar="KEY", help="The artifact's key, which means its newest version, or an id.")]


@app.command("ls")
def ls(
    every: Annotated[bool, typer.Option("--all", "-a", help="All versions, also of those without a key.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="How many at most.")] = 100,
    output: OutputOption = Format.TEXT,
) -> None:
    """List the newest artifact of each key."""
    with api() as client:
        found = client.run(artifacts.listed(limit=limit) if every else artifacts.latest(limit))
    if output is Format.JSON:
        return write_json(found)
    rows = [(_id(one), one.get("key") or "-", one.get("type") or "-", ago(one.get("updated"))) for one in found]
    return write_table(
        [Column("ID", fixed=True), Column("KEY"), Column("TYPE"), Column("CHANGED")], rows, empty="There are no artifacts yet."
    )


@app.command("inspect")
def inspect(
    which: Which,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="How many versions, the newest first.")] = 1,
    output: OutputOption = Format.TEXT,
) -> None:
    """Show an artifact."""
    with api() as client:
        found = [_find(client, which)] if limit == 1 or is_id(which) else client.run(artifacts.listed(_find(client, which)["key"], limit))
    if output is Format.JSON:
        return write_json(found[0] if limit == 1 else found)
    for number, one in enumerate(found):
        say("" if number else f"key: {one.get('key') or '-'}")
        write_fields({"id": one["id"], "type": one.get("type"), "description": one.get("description"), "run": one.get("flow_run_id")})
        write_fields({"changed": ago(one.get("updated")), "data": one.get("data")})
    return None


@app.command("delete")
def delete(which: Which, yes: YesOption = False) -> None:
    """Delete an artifact: of a key every version, of an id just that one."""
    with api() as client:
        one = _find(client, which)
        found = [one] if is_id(which) else client.run(artifacts.listed(which))
        confirm(f"Delete {len(found)} version(s) of artifact {which!r}?", yes)
        for version in found:
            client.send(artifacts.delete(version["id"]))
    say(f"Deleted {len(found)} version(s) of artifact '{which}'.")


def _find(client: SyncApiClient, which: str) -> Json:
    try:
        return client.send(artifacts.read(which) if is_id(which) else artifacts.read_latest(which))
    except ObjectNotFound:
        known = [one["key"] for one in client.run(artifacts.latest()) if one.get("key")]
        raise ObjectNotFound(f"artifact {which!r} not found{hint(near(which, known), known, 'flowhand artifact ls')}") from None


def _id(one: Json) -> str:
    return str(one.get("latest_id") or one["id"])
