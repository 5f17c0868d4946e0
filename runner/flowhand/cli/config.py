"""`flowhand config …`"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flowhand.cli.formats import Format, OutputOption, write_json
from flowhand.cli.lazy import NOUNS, noun
from flowhand.cli.tables import Column, write_table
from flowhand.settings import Origin, env_name, origins

app = noun(NOUNS["config"].about)


@app.callback()
def group() -> None:
    """Keeps `view` a subcommand although it is the only one."""


@app.command("view")
def view(
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Show keys and passwords too.")] = False,
    changed: Annotated[bool, typer.Option("--changed", help="Only settings that differ from their default.")] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Show the settings in force, each with where it comes from."""
    found = origins()
    if output is Format.JSON:
        return write_json({name: _as_json(name, origin, show_secrets) for name, origin in found.items()})
    rows = [
        (env_name(name), _shown(origin, show_secrets), origin.source)
        for name, origin in found.items()
        if origin.source != "default" or not changed
    ]
    write_table([Column("SETTING", fixed=True), Column("VALUE"), Column("FROM")], rows, empty="Every setting has its default.")
    return None


def _as_json(name: str, origin: Origin, show_secrets: bool) -> dict[str, Any]:
    value = "********" if origin.secret and origin.value is not None and not show_secrets else origin.value
    return {"variable": env_name(name), "value": value, "from": origin.source, "about": origin.about}


def _shown(origin: Origin, show_secrets: bool) -> str:
    if origin.value is None:
        return "-"
    return "********" if origin.secret and not show_secrets else str(origin.value)
