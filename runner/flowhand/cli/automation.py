"""`flowhand automation …`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from flowhand.cli.asking import YesOption, confirm
from flowhand.cli.automation_words import automation_named, trigger_in_words
from flowhand.cli.connection import api
from flowhand.cli.formats import Format, OutputOption, say, write_fields, write_json
from flowhand.cli.lazy import NOUNS, noun
from flowhand.cli.tables import Column, write_table
from flowhand.cli.times import ago
from flowhand.client import automations
from flowhand.client.call import Json
from flowhand.deployments.projects.located import Located, read_yaml
from flowhand.errors import ConfigurationError
from flowhand.events.automation import Automation
from flowhand.events.words import in_one_line, unknown_field

app = noun(NOUNS["automation"].about)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The automation's name, or its id.")]


@app.command("ls")
def ls(output: OutputOption = Format.TEXT) -> None:
    """List automations."""
    with api() as client:
        found = client.run(automations.listed())
    if output is Format.JSON:
        return write_json(found)
    rows = [
        (one["name"], "on" if one["enabled"] else "off", trigger_in_words(one["trigger"]), _done(one), ago(one.get("updated")))
        for one in found
    ]
    columns = [Column("NAME"), Column("STATE", fixed=True), Column("TRIGGER"), Column("ACTIONS"), Column("CHANGED")]
    return write_table(columns, rows, empty="There are no automations yet.")


@app.command("inspect")
def inspect(name: Name, output: OutputOption = Format.TEXT) -> None:
    """Show an automation."""
    with api() as client:
        found = automation_named(client, name)
    if output is Format.JSON:
        return write_json(found)
    return write_fields(
        {
            "name": found["name"],
            "id": found["id"],
            "description": found.get("description"),
            "enabled": found["enabled"],
            "tags": found.get("tags"),
            "fires": trigger_in_words(found["trigger"]),
            "trigger": found["trigger"],
            "actions": found["actions"],
            "actions on trigger": found.get("actions_on_trigger"),
            "actions on resolve": found.get("actions_on_resolve"),
        }
    )


@app.command("create")
def create(
    file: Annotated[Path, typer.Option("--from-file", "-f", metavar="FILE", help="YAML or JSON: one automation, or a list of them.")],
    output: OutputOption = Format.TEXT,
) -> None:
    """Create automations from a file. All are checked before the first is created."""
    wanted = _read(read_yaml(file))
    with api() as client:
        made = [client.send(automations.create(one.body())) for one in wanted]
    if output is Format.JSON:
        return write_json(made)
    for one in made:
        say(f"Created automation '{one['name']}' with id {one['id']}.")
    return None


@app.command("enable")
def enable(name: Name) -> None:
    """Have an automation act."""
    _switch(name, True)


@app.command("disable")
def disable(name: Name) -> None:
    """Have an automation act no more; what it has counted is forgotten."""
    _switch(name, False)


app.command("resume", hidden=True)(enable)
app.command("pause", hidden=True)(disable)


@app.command("delete")
def delete(name: Name, yes: YesOption = False) -> None:
    """Delete an automation."""
    with api() as client:
        found = automation_named(client, name)
        confirm(f"Delete automation {found['name']!r}?", yes)
        client.send(automations.delete(found["id"]))
    say(f"Deleted automation '{found['name']}'.")


def _switch(name: str, enabled: bool) -> None:
    with api() as client:
        found = automation_named(client, name)
        client.send(automations.switch(found["id"], enabled))
    say(f"Automation '{found['name']}' is {'on' if enabled else 'off'}.")


def _done(one: Json) -> str:
    return ", ".join(action["type"] for action in [*one["actions"], *one.get("actions_on_trigger", ())]) or "-"


def _read(file: Located) -> list[Automation]:
    """The automations of a file. ConfigurationError with the line of what is wrong."""
    data: Any = file.data
    place: tuple[str | int, ...] = ()
    if isinstance(data, dict) and "automations" in data:
        data, place = data["automations"], ("automations",)
    entries = data if isinstance(data, list) else [data]
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigurationError(f"{file.where(*place)}: there is no automation here; write `name`, `trigger` and `actions`")
    listed = isinstance(data, list)
    return [_one(file, (*place, number) if listed else place, entry) for number, entry in enumerate(entries)]


def _one(file: Located, place: tuple[str | int, ...], entry: Json) -> Automation:
    for field in entry:
        if field not in Automation.model_fields:
            raise ConfigurationError(f"{file.where(*place, field)}: {unknown_field('an automation', field, Automation.model_fields)}")
    try:
        return Automation(**entry)
    except ValidationError as error:
        raise ConfigurationError(f"{file.where(*place)}: {in_one_line(error)}") from None
    except TypeError as error:
        raise ConfigurationError(f"{file.where(*place, 'trigger')}: {error}") from None
