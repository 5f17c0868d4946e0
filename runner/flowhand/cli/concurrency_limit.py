"""`flowhand concurrency-limit …`: how many task runs with a tag may run at once."""

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
from flowhand.client import concurrency
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Json
from flowhand.errors import ObjectNotFound

app = noun(NOUNS["concurrency-limit"].about)

Tag = Annotated[str, typer.Argument(metavar="TAG", help="The tag of the tasks.")]
Slots = Annotated[int, typer.Argument(min=0, metavar="LIMIT", help="Task runs at once; 0 lets none begin.")]


@app.command("ls")
def ls(output: OutputOption = Format.TEXT) -> None:
    """List the limits by tag."""
    with api() as client:
        found = client.run(concurrency.tags())
    if output is Format.JSON:
        return write_json(found)
    rows = [(one["tag"], str(one["concurrency_limit"]), str(len(one.get("active_slots") or ())), ago(one.get("updated"))) for one in found]
    return write_table([Column("TAG"), Column("LIMIT"), Column("IN USE"), Column("CHANGED")], rows, empty="There are no limits by tag yet.")


@app.command("create")
def create(tag: Tag, limit: Slots, output: OutputOption = Format.TEXT) -> None:
    """Limit the task runs with a tag, or change the limit."""
    with api() as client:
        made = client.send(concurrency.set_tag(tag, limit))
    if output is Format.JSON:
        return write_json(made)
    return say(f"At most {limit} task run(s) with tag '{tag}' run at once.")


@app.command("inspect")
def inspect(tag: Tag, output: OutputOption = Format.TEXT) -> None:
    """Show the limit of a tag, and the task runs that hold its slots."""
    with api() as client:
        found = _find(client, tag)
    if output is Format.JSON:
        return write_json(found)
    return write_fields({"tag": tag, "id": found["id"], "limit": str(found["concurrency_limit"]), "in use by": found.get("active_slots")})


@app.command("reset")
def reset(tag: Tag) -> None:
    """Free all slots of a tag; what holds them runs on."""
    with api() as client:
        _find(client, tag)
        client.send(concurrency.reset_tag(tag))
    say(f"Freed all slots of tag '{tag}'.")


@app.command("delete")
def delete(tag: Tag, yes: YesOption = False) -> None:
    """Remove the limit of a tag."""
    with api() as client:
        _find(client, tag)
        confirm(f"Remove the limit of tag {tag!r}?", yes)
        client.send(concurrency.delete_tag(tag))
    say(f"Removed the limit of tag '{tag}'.")


def _find(client: SyncApiClient, tag: str) -> Json:
    try:
        return client.send(concurrency.read_tag(tag))
    except ObjectNotFound:
        known = [one["tag"] for one in client.run(concurrency.tags())]
        raise ObjectNotFound(f"tag {tag!r} has no limit{hint(near(tag, known), known, 'flowhand concurrency-limit ls')}") from None
