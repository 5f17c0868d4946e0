"""`flowhand variable …`"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer

from flowhand.cli import names
from flowhand.cli.asking import YesOption, confirm
from flowhand.cli.connection import api
from flowhand.cli.formats import Format, OutputOption, say, write_fields, write_json
from flowhand.cli.lazy import NOUNS, noun
from flowhand.cli.tables import Column, write_table
from flowhand.cli.times import ago
from flowhand.client import variables
from flowhand.errors import ObjectAlreadyExists

app = noun(NOUNS["variable"].about)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The variable.")]


@app.command("ls")
def ls(output: OutputOption = Format.TEXT) -> None:
    """List variables with their values."""
    with api() as client:
        found = client.run(variables.listed())
    if output is Format.JSON:
        return write_json(found)
    rows = [(one["name"], _shown(one["value"]), ", ".join(one.get("tags") or []), ago(one.get("updated"))) for one in found]
    columns = [Column("NAME"), Column("VALUE"), Column("TAGS"), Column("CHANGED")]
    return write_table(columns, rows, empty="There are no variables yet.")


@app.command("get")
def get(name: Name) -> None:
    """Print a variable's value: a text as it is, anything else as JSON."""
    with api() as client:
        say(_shown(names.variable(client, name)["value"]))


@app.command("inspect")
def inspect(name: Name, output: OutputOption = Format.TEXT) -> None:
    """Show a variable."""
    with api() as client:
        found = names.variable(client, name)
    if output is Format.JSON:
        return write_json(found)
    return write_fields(
        {
            "name": found["name"],
            "id": found["id"],
            "value": _shown(found["value"]),
            "tags": found.get("tags"),
            "changed": ago(found.get("updated")),
            "template": f"{{{{ prefect.variables.{found['name']} }}}}",
        }
    )


@app.command("set")
def set_(
    name: Name,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="JSON, or else a text.")],
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="May be given several times.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the value of one that is there.")] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Set a variable."""
    body = {"name": name, "value": _read(value)} | ({"tags": tag} if tag else {})
    with api() as client:
        try:
            client.send(variables.create(body))
        except ObjectAlreadyExists as error:
            if not overwrite:
                raise ObjectAlreadyExists(f"variable {name!r} exists already; --overwrite replaces its value") from error
            client.send(variables.update(name, body))
        found = client.send(variables.read(name))
    if output is Format.JSON:
        return write_json(found)
    return say(f"Set variable '{name}'.")


@app.command("unset")
def unset(name: Name, yes: YesOption = False) -> None:
    """Delete a variable."""
    with api() as client:
        names.variable(client, name)
        confirm(f"Delete variable {name!r}?", yes)
        client.send(variables.delete(name))
    say(f"Deleted variable '{name}'.")


def _read(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
