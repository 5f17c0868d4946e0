"""Every benchmark that starts a house of its own still measures what it says, on a handful of runs. No figure is judged here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.worker import wait_for

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

SMALL = {
    "import_cost": ("--samples=2", {"import_p50", "modules_loaded"}),
    "start_latency": ("--runs=2", {"fork_p50", "fork_p99"}),
    "code_latency": ("--runs=1 --files=5", {"local_p50", "first_p50", "cached_commit_over_local_p50", "cached_branch_p50"}),
    "lateness": ("--runs=1", {"p50", "p99"}),
    "throughput": ("--runs=20", {"backlog_rate", "backlog_cpu_per_run", "backlog_not_whole"}),
    "idle": ("--settle=0 --seconds=1", {"worker_pss", "server_pss", "worker_cpu"}),
    "run_memory": ("--runs=2", {"sleeping_run_uss_p50"}),
}


def test_api_servers_are_set_beside_each_other(tmp_path: Path) -> None:
    """Ours, on a small table that copies fill: every call is measured, and nothing fails."""
    options = ["--sizes", "200", "--clients", "2", "--seconds", "0.2", "--servers", "sqlite"]
    command = [sys.executable, str(BENCHMARKS / "api.py"), *options]
    done = subprocess.run(command, env=os.environ | {"TMPDIR": "/tmp"}, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["call"] for line in told} >= {"get_scheduled_flow_runs", "set_state", "create_flow_run", "filter newest"}
    for line in told:
        assert line["calls"] > 0
        assert [line[wrong] for wrong in ("unanswered", "refused", "status_5xx", "database_errors")] == [0, 0, 0, 0]


@pytest.mark.parametrize("name", SMALL)
def test_it_tells_its_figures_and_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    options, figures = SMALL[name]
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), *options.split()]
    environ = os.environ | {"TMPDIR": "/tmp"}  # a short path, since sockets are below it
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    told = {line["metric"]: line["value"] for line in map(json.loads, done.stdout.splitlines())}
    assert figures <= set(told)
    assert all(value >= 0 for value in told.values() if name != "import_cost")


def test_one_that_is_ended_in_the_middle_ends_what_it_has_started(tmp_path: Path) -> None:
    """SIGTERM to the benchmark: no server, worker or keeper of its house is left, nor its folder."""
    environ = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, str(BENCHMARKS / "idle.py"), "--settle=100"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for(lambda: list(tmp_path.glob("fhb-*/worker.log")) != [], 60)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
    assert [line for line in all_commands() if str(tmp_path) in line] == []


def all_commands() -> list[str]:
    """The command lines of all processes."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # gone meanwhile
            continue
    return found
