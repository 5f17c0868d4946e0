"""What deploying tells: which deployments were applied, which were not and why, and what to do next."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flowhand.client.call import Json
from flowhand.wire.pool_types import worker_command


def say(line: str) -> None:
    """A line on stdout, as it is."""
    _console().print(line, highlight=False, markup=False, soft_wrap=True)


def print_report(outcomes: Mapping[str, Exception | None]) -> None:
    """A line and a table. `outcomes` has each deployment's full name, with why it failed, else None."""
    failed = [error for error in outcomes.values() if error]
    table = Table("Name", "Status", "Details", title="Deployments", title_justify="left")
    for name, error in outcomes.items():
        table.add_row(escape(name), "[red]failed[/]" if error else "[green]applied[/]", escape(str(error or "")))
    if not failed:
        say("All deployments were applied.")
    else:
        say("No deployment was applied." if len(failed) == len(outcomes) else "Some deployments failed.")
    _console().print(table)


def print_next_steps(names: Sequence[str], pool: Json, ui: str | None) -> None:
    """How their runs come about: a worker for the pool (none for one that pushes runs), a run by hand, the pages of the UI."""
    command = worker_command(str(pool.get("type", "")), pool["name"])
    if command:
        say(f"\nTo execute their runs, start a worker: {command}")
    say(f"To run one now: flowhand deployment run {repr(names[0]) if len(names) == 1 else '[NAME]'}")
    if ui:
        say(f"To look at them: {ui}/deployments")


def _console() -> Console:
    return Console(file=sys.stdout)
