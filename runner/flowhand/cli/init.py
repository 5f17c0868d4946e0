"""`flowhand init`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowhand.cli.deploy_asking import Terminal, on_terminal
from flowhand.cli.formats import say
from flowhand.deployments.projects.recipes import RECIPES, fitting_recipe, known_fields, missing_fields, write_project
from flowhand.errors import ConfigurationError

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def init(
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="The project's name; default: the folder's.")] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", metavar="RECIPE", help=f"One of {', '.join(RECIPES)}.")] = None,
    field: Annotated[
        list[str] | None, typer.Option("--field", "-f", metavar="KEY=VALUE", help="A field of the recipe. May be given again.")
    ] = None,
) -> None:
    """Begin a project file in this folder. Without a recipe, the one that fits is taken."""
    folder, terminal = Path.cwd(), Terminal() if on_terminal() else None
    if recipe is None:
        recipe = fitting_recipe(folder)
        if terminal is not None:
            names = [recipe, *(one for one in RECIPES if one != recipe)]
            recipe = names[terminal.choose("Which recipe?", [f"{one}: {RECIPES[one].about}" for one in names])]
    given = _pairs(field or [])
    fields = {**known_fields(folder), **given}
    for missing, about in missing_fields(recipe, fields).items():
        if terminal is None:
            raise ConfigurationError(f"recipe {recipe!r} needs {missing} ({about}); give --field {missing}=…")
        fields[missing] = terminal.text(f"{missing} ({about})", "")
    path = write_project(folder, name or folder.name, recipe, fields)
    say(f"Wrote {path}." if path else "There is a project file already; nothing was written.")


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    if wrong := [key for key, equals, _ in pairs if not (key and equals)]:
        raise typer.BadParameter(f"{wrong[0]!r} is not of the form key=value", param_hint="--field")
    return {key: value for key, _, value in pairs}
