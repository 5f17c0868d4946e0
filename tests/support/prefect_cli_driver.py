"""Runs `prefect` commands, one after the other, in one process of Prefect's own environment: importing it for each would take seconds.

A line of JSON with the arguments comes in, a line of JSON with the exit code and the output goes out.
"""

import json
import sys
from contextlib import suppress

try:
    from prefect.testing.cli import CycloptsCliRunner

    invoke = CycloptsCliRunner().invoke
except ImportError:  # before 3.6
    from functools import partial

    from prefect.cli import app
    from typer.testing import CliRunner

    invoke = partial(CliRunner().invoke, app)

answers = sys.stdout
for line in sys.stdin:
    result = invoke(json.loads(line))
    text = result.stdout
    with suppress(ValueError):  # where it is part of what is on stdout already
        text += result.stderr or ""
    answers.write(json.dumps({"code": result.exit_code, "out": text}) + "\n")
    answers.flush()
