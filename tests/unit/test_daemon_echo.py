"""The runs' lines beside the daemon's own log."""

from __future__ import annotations

import io
import json

from flowhand.daemon.echo import Echo
from flowhand.daemon.follower import Follower
from flowhand.daemon.run import Run
from flowhand.wire.runner import ClaimedRun, LogBatch


def shown(log_format: str, **job: object) -> str:
    """What two lines of a run look like: one at INFO, one at DEBUG."""
    claimed = ClaimedRun(
        run_id="r", attempt=1, run_count=1, name="n", flow_id="f", flow_name="flow", scheduled_us=0, start_in_s=0, lease_s=60, job=job
    )
    run = Run(claimed, Follower("r.1", None), 0.0)  # type: ignore[arg-type]
    stream = io.StringIO()
    lines = [("channel", 1, 1_000_000, 20, "x", "hello", None), ("channel", 2, 1_000_000, 10, "x", "detail", None)]
    Echo(True, log_format, stream=stream).show(run, LogBatch(run_id="r", attempt=1, lines=lines))  # type: ignore[arg-type]
    return stream.getvalue()


def test_a_log_shipper_reads_json_alone() -> None:
    """Where the daemon's log is JSON, so are the runs' lines, with the run's id; what is below the level is left out."""
    (line,) = shown("json").splitlines()
    said = json.loads(line)
    assert (said["event"], said["level"], said["flow_run_id"], said["run"]) == ("hello", "info", "r", "flow/n")
    assert said["timestamp"] == "1970-01-01T00:00:01.000000Z"


def test_a_person_reads_a_line() -> None:
    """Time, level, run, text."""
    assert shown("console").endswith("| INFO    | flow/n | hello\n")


def test_a_run_may_ask_for_silence() -> None:
    """stream_output: false."""
    assert shown("console", stream_output=False) == ""
