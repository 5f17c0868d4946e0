"""The step that runs a script."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from flowhand_storage.errors import InvalidStep
from flowhand_storage.steps.program import Output, run_program
from flowhand_storage.steps.progress import StepRun

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


def run_shell_script(
    run: StepRun,
    *,
    script: str,
    directory: str | None = None,
    env: dict[str, Any] | None = None,
    stream_output: bool = True,
    expand_env_vars: bool = False,
    shell: bool = False,
) -> dict[str, str]:
    """Run a script in `directory`, counted from the working directory. Puts out `stdout` and `stderr`.

    Every line is a command of its own, split into words as a shell would, but run without one: pipes, `&&` and redirections are words like
    any other. With `shell` the whole script goes to /bin/sh, which stops at the first command that fails. `env` is laid over the
    environment (null removes); `expand_env_vars` puts its variables into the script, where an unknown one stays as it is.
    """
    environ = {name: value for name, value in run.context.environ.items() if (env or {}).get(name, value) is not None}
    environ |= {name: str(value) for name, value in (env or {}).items() if value is not None}
    if expand_env_vars:
        script = _expanded(script, environ)
    output, folder = Output(), run.path(directory)
    commands = [["/bin/sh", "-ec", script]] if shell else _commands(script)
    for command in commands:
        run_program(run, command, folder, environ, output, stream=stream_output)
    return output.as_outputs()


def _commands(script: str) -> list[list[str]]:
    commands: list[list[str]] = []
    for number, line in enumerate(script.splitlines(), start=1):
        if line.lstrip().startswith("#"):
            continue
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise InvalidStep(f"line {number} of the script cannot be split into words: {error}") from None
        if words:
            commands.append(words)
    return commands


def _expanded(script: str, environ: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: environ.get(match[1] or match[2], match[0]), script)
