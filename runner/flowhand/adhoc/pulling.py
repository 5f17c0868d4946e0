"""Pull steps of a run that is executed in a command's own process: as a worker's child does them, before the run is claimed.

Lines that steps say before the claim are kept, with their times, for the run's log.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any, Final, cast

from flowhand.adhoc.outbox import Line
from flowhand.blocks.block import Block
from flowhand.blocks.errands import load
from flowhand.child.handover import execute_anew
from flowhand.child.pulling import Outside, as_prepared, carry_out, own_folder, resume
from flowhand.client.api import SyncApiClient
from flowhand.client.references import value_of
from flowhand.sdk.run_logging import FLOW_RUNS
from flowhand.sdk.secrets import KNOWN, conceal
from flowhand.wire.job import Prepared

_PREPARED: Final = "FLOWHAND__PREPARED_FD"
"""In the environment of the interpreter that the steps chose: the descriptor that says what they have led to."""


def pull(client: SyncApiClient, steps: list[dict[str, Any]], path: str | None, run_id: str, said: list[Line]) -> str:
    """Carries out the steps of a deployment whose own folder is `path`, if it has one; the folder that they lead to. PullStepFailed.

    `said` is given their lines. When they chose another interpreter, this process goes on as the same command in that one, and this call
    does not return.
    """
    told = os.environ.pop(_PREPARED, None)
    if told is not None:
        with os.fdopen(int(told), "rb") as file:
            return _resumed(json.load(file), said)
    outside = Outside(
        lambda text: _say(text, said),
        lambda reference: client.run(value_of(reference.kind, reference.name)),
        lambda kind, name: client.run(load(Block, f"{kind}/{name}")),
    )
    folder = None if path else own_folder()
    progress = carry_out(steps, folder or Path(path or ".").expanduser().absolute(), outside)
    directory = progress.directory or progress.working_directory
    if progress.python is not None and progress.python != sys.executable:
        lines = [[line.stamp_us, line.message] for line in said]
        following = {"directory": directory, "said": lines, "secrets": list(KNOWN), "prepared": as_prepared(progress, folder)}
        execute_anew(progress.python, ["-m", "flowhand", "flow-run", "execute", run_id], _PREPARED, following)
    return directory


def _say(text: str, said: list[Line]) -> None:
    sys.stderr.write(f"{text}\n")
    said.append(Line(time.time_ns() // 1000, logging.INFO, FLOW_RUNS, text))


def _resumed(told: dict[str, Any], said: list[Line]) -> str:
    for secret in told["secrets"]:
        conceal(secret)
    said += [Line(stamp, logging.INFO, FLOW_RUNS, message) for stamp, message in told["said"]]
    resume(cast("Prepared", told["prepared"]))
    return told["directory"]
