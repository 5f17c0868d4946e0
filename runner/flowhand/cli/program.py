"""The program `flowhand`: its root command, and the one place where errors become lines and exit codes."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated

import typer

from flowhand.cli.failures import Exit, complain, exit_code
from flowhand.cli.lazy import NOUNS, LazyGroup
from flowhand.errors import ConfigurationError, FlowhandError
from flowhand.settings import load

app = typer.Typer(
    name="flowhand",
    cls=LazyGroup,
    help="Serve and execute flows. Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 API unreachable, 4 not found.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from flowhand.client.identity import flowhand_version  # only this option wants it

        sys.stdout.write(f"{flowhand_version()}\n")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.", callback=_show_version, is_eager=True)] = False,
) -> None:
    """Serve and execute flows."""


def main() -> None:
    """Runs the command line with the arguments of the process. Always ends in SystemExit."""
    if sys.argv[1:] == ["version"]:  # typer reads any argument by pydantic, 200 ms for a command that takes none
        sys.stdout.write(import_module(NOUNS["version"].module).in_lines())
        sys.exit(Exit.OK)
    run(app, "flowhand")


def run(command: typer.Typer, name: str) -> None:
    """Runs a command; an error of ours becomes one line on stderr and an exit code, a defect says how to see more."""
    try:
        command(prog_name=name)
    except FlowhandError as error:
        if _debugging():
            raise
        complain(str(error))
        sys.exit(exit_code(error))
    except Exception as error:
        if _debugging():
            raise
        complain(f"{type(error).__name__}: {error} (a defect of flowhand; `{name} --debug …` shows where)")
        sys.exit(Exit.FAILED)


def _debugging() -> bool:
    if "--debug" in sys.argv:
        return True
    try:
        return load().log_level == "DEBUG"
    except ConfigurationError:
        return False
