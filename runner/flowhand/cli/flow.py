"""`flowhand flow …`"""

from __future__ import annotations

from typing import Annotated

import typer

from flowhand.cli.connection import api
from flowhand.cli.formats import Format, OutputOption, write_json
from flowhand.cli.lazy import NOUNS, noun
from flowhand.cli.tables import Column, write_table
from flowhand.cli.times import ago
from flowhand.client import flows

app = noun(NOUNS["flow"].about)


@app.callback()
def group() -> None:
    """Keeps `ls` a subcommand although it is the only one."""


@app.command("ls")
def ls(
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="Part of a name.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most so many.")] = 200,
    output: OutputOption = Format.TEXT,
) -> None:
    """List flows."""
    with api() as client:
        found = client.run(flows.listed(name_like=name, limit=limit))
    if output is Format.JSON:
        return write_json(found)
    rows = [(flow["name"], flow["id"], ago(flow.get("created"))) for flow in found]
    return write_table([Column("NAME"), Column("ID", fixed=True), Column("SEEN FIRST")], rows, empty="There are no flows yet.")
