"""One command on the database of this home, for `flowhand server key|database …`, which shows people what comes of it.

Lines of JSON on stdout: any number of `{"progress": text}`, then `{"result": …}` or `{"error": text}`. Exit status: 0 done; 1 refused or
failed; 2 wrong configuration; 4 no such thing; 75 a server has the database open (EX_TEMPFAIL, sysexits.h).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy.exc import DBAPIError

from flowhand.clock import SystemClock
from flowhand.errors import ConfigurationError, FlowhandError
from flowhand.settings import load
from flowhand_server.access.scopes import Scope
from flowhand_server.place import PlaceTaken
from flowhand_server.store.errors import NotFound
from flowhand_server.store.sqlite_engine import in_words

from . import database, keys
from .opening import Database

FAILED: Final = 1
MISCONFIGURED: Final = 2
NOT_FOUND: Final = 4
TAKEN: Final = 75
Command = Callable[[Database, argparse.Namespace], Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the arguments say. Returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        settings = load(home=Path(options.home).expanduser().absolute() if options.home else None)
        command: Command = options.command
        say({"result": command(Database(settings, progress), options)})
    except (FlowhandError, DBAPIError) as error:
        say({"error": in_words(error) or str(getattr(error, "orig", error)).strip()})
        return _status(error)
    return 0


def say(line: dict[str, Any]) -> None:
    """A line on stdout, at once."""
    sys.stdout.write(orjson.dumps(line, default=str).decode() + "\n")
    sys.stdout.flush()


def progress(text: str) -> None:
    """Says what is being done."""
    say({"progress": text})


def _status(error: Exception) -> int:
    match error:
        case PlaceTaken():
            return TAKEN
        case NotFound():
            return NOT_FOUND
        case ConfigurationError():
            return MISCONFIGURED
        case _:
            return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="flowhand_server.commands", description="Does one thing to the server's database.")
    parser.add_argument("--home", help="where state is kept")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, does: Command) -> argparse.ArgumentParser:
        made = commands.add_parser(name)
        made.set_defaults(command=does)
        return made

    create = command("key-create", lambda where, given: keys.create(where, given.name, given.scope, given.lasts_s, _now()))
    create.add_argument("name")
    create.add_argument("--scope", action="append", required=True, choices=[str(scope) for scope in Scope])
    create.add_argument("--lasts-s", type=float)
    command("key-ls", lambda where, given: keys.listed(where, revoked=given.revoked)).add_argument("--revoked", action="store_true")
    command("key-revoke", lambda where, given: keys.revoke(where, given.name, _now())).add_argument("name")
    command("database-upgrade", lambda where, _: database.upgrade(where))
    command("database-reset", lambda where, _: database.reset(where))
    command("database-check", lambda where, _: database.check(where))
    return parser


def _now() -> int:
    return SystemClock().now_us()


if __name__ == "__main__":
    sys.exit(main())
