"""What commands print: JSON for scripts, tables and short lists for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE: Final = 1000
"""Columns where no terminal sets a limit: what goes into a pipe is never cut short."""


class Format(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    JSON = "json"


OutputOption = Annotated[Format, typer.Option("--output", "-o", metavar="FORMAT", help="text, or json for scripts.")]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. A `fixed` one is never cut short (ids, states); the others share what is left of the line."""

    title: str
    fixed: bool = False
    justify: Literal["left", "right"] = "left"


def stdout() -> Console:
    """Where answers go; plain when it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


def write_json(value: Any) -> None:
    """A value as indented JSON on stdout."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def write_json_line(value: Any) -> None:
    """A value as one line of JSON on stdout, at once."""
    sys.stdout.write(orjson.dumps(value, default=str).decode() + "\n")
    sys.stdout.flush()


def say(line: str) -> None:
    """A line on stdout, as it is."""
    sys.stdout.write(f"{line}\n")


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


_YES_NO: Final = {True: "yes", False: "no"}


def write_fields(fields: Mapping[str, Any]) -> None:
    """Names and values, one a line; lists and mappings as JSON below their name. What is None or empty is left out."""
    shown = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            say(f"{name}:\n" + "\n".join(f"  {one}" for one in value))
        elif isinstance(value, (dict, list)):
            text = orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
            say(f"{name}:\n" + "\n".join(f"  {line}" for line in text.splitlines()))
        else:
            say(f"{name + ':':<{width + 1}} {_YES_NO.get(value, value) if isinstance(value, bool) else value}")


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
