"""What commands print for scripts, and the short lists that need no table."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

import orjson
import typer


class Format(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    JSON = "json"


OutputOption = Annotated[Format, typer.Option("--output", "-o", metavar="FORMAT", help="text, or json for scripts.")]
_YES_NO: Final = {True: "yes", False: "no"}


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
