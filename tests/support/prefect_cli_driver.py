"""Runs `prefect` commands, one after the other, in one process of Prefect's own environment: importing it for each would take seconds.

A line of JSON with the arguments comes in, a line of JSON with the exit code and the output goes out.
"""

import json
import sys

try:
    from prefect.testing.cli import CycloptsCliRunner

    invoke = CycloptsCliRunner().invoke
except ImportError:  # the second major version
    from functools import partial

    from prefect.cli import app
    from typer.testing import CliRunner

    invoke = partial(CliRunner().invoke, app)

answers = sys.stdout
for line in sys.stdin:
    result = invoke(json.loads(line))
    text = result.stdout + (getattr(result, "stderr", "") or "")
    answers.write(json.dumps({"code": result.exit_code, "out": text}) + "\n")
    answers.flush()
