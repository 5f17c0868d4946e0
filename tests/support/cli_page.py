"""docs/cli.md, made from the commands themselves. `python tests/support/cli_page.py` writes it anew; a test compares the two."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import typer

from flowhand.cli.lazy import NOUNS

PAGE: Final = Path(__file__).parents[2] / "docs" / "cli.md"
INTRODUCTION: Final = """\
# The command line

`flowhand NOUN VERB`, and `worker …`, which is short for `flowhand worker …`. `--help` explains each command,
`flowhand --install-completion` makes the shell complete them.

**Which API.** The one that `FLOWHAND_API_URL` names (it ends in `/api`; `PREFECT_API_URL` is read too), with `FLOWHAND_API_KEY` or
`FLOWHAND_API_AUTH_STRING`. When none is named, the server of this machine's home (`FLOWHAND_HOME`, default `~/.flowhand`), which is
started when it does not run. `flowhand config view` shows what is in force and where it comes from.

**For scripts.** `-o json` writes what the API said, in full; tables are for people, and are cut to the terminal's width only on a terminal.
Errors are one line on stderr that says what to do. `flowhand --debug …` and `FLOWHAND_LOG_LEVEL=DEBUG` show tracebacks. A question is
asked on a terminal only, and `--yes` answers it.

"""


def page() -> str:
    """The whole page."""
    return INTRODUCTION + exit_codes() + "\n" + "\n".join(_sections()) + "\n"


def exit_codes() -> str:
    """The table in the docstring of `flowhand.cli.failures`."""
    text = import_module("flowhand.cli.failures").__doc__ or ""
    return "## Exit codes\n" + text.partition("\n")[2]


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with all of its words."""
    for name, noun in NOUNS.items():
        yield from _below(f"flowhand {name}", typer.main.get_command(import_module(noun.module).app))


def _below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield words, command
        return
    for name, child in command.commands.items():
        yield from _below(f"{words} {name}", child)


def _sections() -> Iterator[str]:
    noun = ""
    for words, command in commands():
        if words.split()[1] != noun:
            noun = words.split()[1]
            yield f"## {noun}\n\n{NOUNS[noun].about}\n"
        yield _section(words, command)


def _section(words: str, command: Any) -> str:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option" and not param.hidden and param.name != "help"]
    synopsis = " ".join([words, *(_argument(param) for param in arguments), *(_short(param) for param in options)])
    rows = [f"| `{_argument(param)}` | {param.help} |" for param in arguments]
    rows += [f"| `{_names(param)}` | {param.help}{_default(param)} |" for param in options]
    table = "\n".join(["", "| | |", "| --- | --- |", *rows, ""]) if rows else ""
    return f"### {words}\n\n{' '.join((command.help or '').split())}\n\n```\n{_folded(synopsis)}\n```\n{table}"


def _argument(param: Any) -> str:
    return param.metavar or param.name.upper()


def _names(param: Any) -> str:
    names = "/".join([", ".join(param.opts), *([", ".join(param.secondary_opts)] if param.secondary_opts else [])])
    return names if param.is_flag else f"{names} {param.metavar}"


def _short(param: Any) -> str:
    names = param.opts[0] if not param.secondary_opts else f"{param.opts[0]}/{param.secondary_opts[0]}"
    text = names if param.is_flag else f"{names} {param.metavar}"
    return (text if param.required else f"[{text}]") + ("…" if param.multiple else "")


def _default(param: Any) -> str:
    if param.required:
        return " Required."
    if param.is_flag or param.default in (None, "", []) or param.multiple or param.default == "text":
        return ""
    return f" Default: {param.default}."


def _folded(text: str, width: int = 110) -> str:
    lines, line = [], ""
    for word in text.replace(" [", "\0[").split("\0"):
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = "    " + word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])


if __name__ == "__main__":
    os.environ.pop("COLUMNS", None)
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
