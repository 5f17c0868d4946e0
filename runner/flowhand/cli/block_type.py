"""`flowhand block type …`"""

from __future__ import annotations

from typing import Annotated

import typer

from flowhand.cli import names
from flowhand.cli.asking import YesOption, confirm
from flowhand.cli.connection import api
from flowhand.cli.formats import Format, OutputOption, say, write_fields, write_json
from flowhand.cli.lazy import noun
from flowhand.cli.tables import Column, write_table
from flowhand.client import blocks

app = noun("The types that blocks can be of.")

Slug = Annotated[str, typer.Argument(metavar="TYPE", help="The type's slug, such as secret.")]


@app.command("ls")
def ls(output: OutputOption = Format.TEXT) -> None:
    """List the types that the API knows."""
    with api() as client:
        found = client.run(blocks.types())
    if output is Format.JSON:
        return write_json(found)
    rows = [(one["slug"], (one.get("description") or "").partition("\n")[0]) for one in found]
    return write_table([Column("TYPE", fixed=True), Column("DESCRIPTION")], rows, empty="There are no block types.")


@app.command("inspect")
def inspect(slug: Slug, output: OutputOption = Format.TEXT) -> None:
    """Show a type, its fields and an example."""
    with api() as client:
        kind = names.block_type(client, slug)
        schemas = client.run(blocks.schemas(kind["id"], limit=1))
    schema = schemas[0] if schemas else {}
    if output is Format.JSON:
        return write_json({**kind, "block_schema": schema or None})
    return write_fields(
        {
            "type": kind["slug"],
            "name": kind["name"],
            "id": kind["id"],
            "description": kind.get("description"),
            "fields": fields_in_words(schema.get("fields") or {}),
            "can": sorted(schema.get("capabilities") or []),
            "documentation": kind.get("documentation_url"),
            "example": (kind.get("code_example") or "").splitlines(),
        }
    )


@app.command("delete")
def delete(slug: Slug, yes: YesOption = False) -> None:
    """Delete a type with all blocks of it."""
    with api() as client:
        kind = names.block_type(client, slug)
        confirm(f"Delete the block type {slug!r} and all blocks of it?", yes)
        client.send(blocks.delete_type(kind["id"]))
    say(f"Deleted the block type '{slug}'.")


def fields_in_words(schema: dict[str, object]) -> list[str]:
    """One line for each field: its name, what kind of value it takes, whether it must be given or is secret, and what it is for."""
    properties: dict[str, dict[str, object]] = schema.get("properties") or {}  # pyright: ignore[reportAssignmentType]  # a schema's
    required: list[str] = schema.get("required") or []  # pyright: ignore[reportAssignmentType]
    secret = {str(path).partition(".")[0] for path in schema.get("secret_fields") or []}  # pyright: ignore[reportGeneralTypeIssues]
    lines: list[str] = []
    for name, about in properties.items():
        marks = [_kind(about), *(["required"] if name in required else []), *(["secret"] if name in secret else [])]
        description = f": {about['description']}" if about.get("description") else ""
        lines.append(f"{name} ({', '.join(mark for mark in marks if mark)}){description}")
    return lines


def _kind(about: dict[str, object]) -> str:
    several = about.get("anyOf")
    parts = several if isinstance(several, list) else [about]
    kinds = [str(part["type"]) for part in parts if isinstance(part, dict) and part.get("type") not in (None, "null")]
    return " or ".join(dict.fromkeys(kinds))
