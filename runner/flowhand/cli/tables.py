"""Tables, states in their colours, and how wide a line may be."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE: Final = 1000
"""Columns where no terminal sets a limit: what goes into a pipe is never cut short."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. A `fixed` one is never cut short (ids, states); the others share what is left of the line."""

    title: str
    fixed: bool = False
    justify: Literal["left", "right"] = "left"


def stdout() -> Console:
    """Where answers go; plain when it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


def write_table(columns: Sequence[Column], rows: Iterable[Sequence[str | Text]], *, empty: str) -> None:
    """A table that fits a terminal of 80 columns; `empty` is said instead when there are no rows."""
    found = list(rows)
    if not found:
        sys.stderr.write(f"{empty}\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column.title, no_wrap=True, overflow="ellipsis", justify=column.justify)
        if column.fixed:
            index = len(table.columns) - 1
            table.columns[-1].min_width = max(len(column.title), *(len(str(row[index])) for row in found))
    for row in found:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    stdout().print(table)


_COLOURS: Final = {
    "COMPLETED": "green",
    "FAILED": "red",
    "CRASHED": "magenta",
    "CANCELLED": "yellow",
    "CANCELLING": "yellow",
    "RUNNING": "blue",
    "READY": "green",
    "ONLINE": "green",
    "PAUSED": "yellow",
}


def state_text(state_type: str | None, name: str | None = None) -> Text:
    """A state or status in its colour (which a pipe does not get)."""
    return Text(name or (state_type or "").capitalize() or "-", style=_COLOURS.get(state_type or "", ""))
