"""A group of commands that loads a command's module when it is called, so that `flowhand --help` loads none of them."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class Noun(NamedTuple):
    """A command or a group of commands: the module that holds it as `app`, and its line in the list."""

    module: str
    about: str


NOUNS: Final[dict[str, Noun]] = {
    "server": Noun("flowhand.cli.server", "Start, look at and stop the API server of this machine."),
    "work-pool": Noun("flowhand.cli.work_pool", "Where deployments send their runs."),
    "work-queue": Noun("flowhand.cli.work_queue", "The queues of a work pool."),
    "worker": Noun("flowhand.cli.worker", "The daemons that execute runs."),
    "deployment": Noun("flowhand.cli.deployment", "Flows that can be run from here, on schedule or on demand."),
    "deploy": Noun("flowhand.cli.deploy", "Create or update deployments, those of a project file or one of a flow."),
    "init": Noun("flowhand.cli.init", "Begin a project file in this folder."),
    "flow": Noun("flowhand.cli.flow", "The flows that the API knows."),
    "flow-run": Noun("flowhand.cli.flow_run", "Runs: their states, their logs, cancelling and retrying."),
    "block": Noun("flowhand.cli.block", "Configuration and secrets that are kept under a name."),
    "variable": Noun("flowhand.cli.variable", "Named values that flows and pull steps read."),
    "automation": Noun("flowhand.cli.automation", "What is done when events happen, or stay away."),
    "event": Noun("flowhand.cli.event", "Events, as they happen or of one's own."),
    "artifact": Noun("flowhand.cli.artifact", "What runs have left to look at."),
    "concurrency-limit": Noun("flowhand.cli.concurrency_limit", "How many task runs with a tag run at once."),
    "global-concurrency-limit": Noun("flowhand.cli.global_concurrency_limit", "Limits by name, which flows and deployments share."),
    "doctor": Noun("flowhand.cli.doctor", "What is wrong on this machine, and what to do about it."),
    "config": Noun("flowhand.cli.config", "The settings in force."),
    "version": Noun("flowhand.cli.version", "The version of flowhand and what it runs on."),
}


class LazyGroup(TyperGroup):
    """Knows its commands by `NOUNS`."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        return list(NOUNS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        noun = NOUNS.get(cmd_name)
        if noun is None:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=noun.about, rich_markup_mode=None)
        command = typer.main.get_command(import_module(noun.module).app)
        command.name = cmd_name
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        self.commands = dict.fromkeys(NOUNS, None)  # pyright: ignore[reportAttributeAccessIssue]  # only its keys are read, for "did you mean"
        return super().resolve_command(ctx, args)


def noun(about: str) -> typer.Typer:
    """The app of one noun's file."""
    return typer.Typer(help=about, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
