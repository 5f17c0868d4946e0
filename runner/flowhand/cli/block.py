"""`flowhand block …`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flowhand.cli import block_type, names
from flowhand.cli.asking import YesOption, confirm
from flowhand.cli.block_type import fields_in_words
from flowhand.cli.connection import api
from flowhand.cli.formats import Format, OutputOption, say, write_fields, write_json
from flowhand.cli.lazy import NOUNS, noun
from flowhand.cli.tables import Column, write_table
from flowhand.cli.times import ago
from flowhand.client import blocks
from flowhand.errors import ConfigurationError

app = noun(NOUNS["block"].about)
app.add_typer(block_type.app, name="type")

Name = Annotated[str, typer.Argument(metavar="TYPE/NAME", help="The block, such as secret/token, or its id.")]


@app.command("ls")
def ls(
    kind: Annotated[str | None, typer.Option("--type", "-t", metavar="TYPE", help="Those of a type only.")] = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """List the blocks that have a name, by type."""
    with api() as client:
        if kind is not None:
            names.block_type(client, kind)
        found = client.run(blocks.listed(kind))
    if output is Format.JSON:
        return write_json(found)
    rows = [(names.block_name(one), one["id"], ago(one.get("updated"))) for one in found]
    return write_table([Column("BLOCK"), Column("ID", fixed=True), Column("CHANGED")], rows, empty="There are no blocks yet.")


@app.command("inspect")
def inspect(name: Name, output: OutputOption = Format.TEXT) -> None:
    """Show a block; what is secret in it stays hidden."""
    with api() as client:
        block = names.block(client, name)
    if output is Format.JSON:
        return write_json(block)
    return write_fields(
        {
            "block": names.block_name(block),
            "id": block["id"],
            "anonymous": block.get("is_anonymous") or None,
            "changed": ago(block.get("updated")),
            "template": f"{{{{ prefect.blocks.{names.block_name(block).replace('/', '.', 1)} }}}}",
            "data": block.get("data"),
        }
    )


@app.command("delete")
def delete(name: Name, yes: YesOption = False) -> None:
    """Delete a block."""
    with api() as client:
        block = names.block(client, name)
        confirm(f"Delete the block {names.block_name(block)!r}?", yes)
        client.send(blocks.delete(block["id"]))
    say(f"Deleted the block '{names.block_name(block)}'.")


@app.command("create")
def create(slug: block_type.Slug) -> None:
    """Show how a block of a type is made: its fields, and the lines of Python that save one."""
    with api() as client:
        kind = names.block_type(client, slug)
        schemas = client.run(blocks.schemas(kind["id"], limit=1))
    fields: dict[str, Any] = (schemas[0]["fields"] if schemas else None) or {}
    write_fields({"type": slug, "fields": fields_in_words(fields)})
    given = ", ".join(f"{name}=..." for name in fields.get("required") or [])
    name = fields.get("title") or kind["name"].replace(" ", "")
    say("\n    from flowhand.blocks import Block\n")
    say(f"    {name} = Block.get_block_class_from_key({slug!r})")
    say(f"    {name}({given}).save('my-{slug}')")


@app.command("register")
def register(
    module: Annotated[str | None, typer.Option("--module", "-m", metavar="MODULE", help="A module that can be imported.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", metavar="FILE", help="A Python file.")] = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Make the block types that a module or a file defines known to the API."""
    from flowhand.cli.registering import classes_in  # it loads the classes of blocks, which no other command needs

    if (module is None) == (file is None):
        raise ConfigurationError("give a module (--module) or a file (--file)")
    found = classes_in(module or file or "")
    from flowhand.blocks.errands import register as registering  # see above

    with api() as client:
        for kind in found:
            client.run(registering(kind))
    slugs = [kind.get_block_type_slug() for kind in found]
    if output is Format.JSON:
        return write_json(slugs)
    return say("\n".join(f"Registered the block type '{slug}'." for slug in slugs))
