"""Runs `prefect` commands, one after the other, in one process of Prefect's own environment: importing it for each would take seconds.

A line of JSON with the arguments comes in, a line of JSON with the exit code and the output goes out.
"""

import json
import sys

from prefect.testing.cli import CycloptsCliRunner

answers = sys.stdout
runner = CycloptsCliRunner()
for line in sys.stdin:
    result = runner.invoke(json.loads(line))
    text = result.stdout + (getattr(result, "stderr", "") or "")
    answers.write(json.dumps({"code": result.exit_code, "out": text}) + "\n")
    answers.flush()
