"""Has the server's own program do something to its database: the server is never imported here."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Final

import orjson

from flowhand.cli.formats import say
from flowhand.client.spawn import server_environment
from flowhand.errors import ConfigurationError, FlowhandError, ObjectNotFound
from flowhand.settings import load

_ERRORS: Final[dict[int, type[FlowhandError]]] = {2: ConfigurationError}
_NOT_FOUND: Final = 4


class DatabaseCommandFailed(FlowhandError):
    """The database could not be opened, or it refused."""


def ask(*arguments: str, quiet: bool = True) -> Any:
    """What the command comes to. Unless `quiet` it is said what is being done. Raises as the command failed."""
    settings = load()
    command = [sys.executable, "-P", "-m", "flowhand_server.commands", "--home", str(settings.home), *arguments]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=server_environment(settings)) as running:
        assert running.stdout is not None
        last: dict[str, Any] = {}
        for line in running.stdout:
            last = orjson.loads(line)
            if "progress" in last and not quiet:
                say(f"  {last['progress']}")
    if "result" in last:
        return last["result"]
    words = last.get("error") or f"the command of the server ended with status {running.returncode}"
    if running.returncode == _NOT_FOUND:
        raise ObjectNotFound(words, 404, words)
    raise _ERRORS.get(running.returncode, DatabaseCommandFailed)(words)
