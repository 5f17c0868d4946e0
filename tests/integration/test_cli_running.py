"""What a person sees of runs that run: a real server, a real worker, real processes, a real terminal."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from support.cli import Terminal, environment, flowhand
from support.server import running_server
from support.worker import Api, running_worker, write_flows

FLOWS = """
import time
from pathlib import Path

@flow
def chatty(lines: int = 3, fail: bool = False, hold: str = ""):
    log = get_run_logger()
    for number in range(lines):
        log.info("line %d", number)
    log.warning("careful")
    if hold:
        while not Path(hold).exists():
            time.sleep(0.01)
        log.info("let go")
    if fail:
        raise ValueError("as asked")
"""


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Generator[dict[str, str], None, None]:
    """A server, a worker on pool `pool`, and the deployment `chatty/d`."""
    folder = tmp_path_factory.mktemp("running")
    with running_server(folder / "home") as server:
        api = Api(server)
        api.pool("pool")
        api.deploy("flows.py:chatty", write_flows(folder / "code", FLOWS))
        with running_worker(server, home=folder / "worker"):
            yield environment(folder / "cli", server.url)


def test_watching_a_run_that_completes(env: dict[str, str]) -> None:
    """Every line once and in order, then the last state; exit code 0."""
    ended = flowhand("deployment", "run", "chatty/d", "-p", "lines=5", "--watch", env=env)
    assert ended.code == 0, ended
    told = [line for line in ended.out.splitlines() if "line " in line]
    assert [line.rpartition(" ")[2] for line in told] == ["0", "1", "2", "3", "4"]
    assert "WARNING  careful" in ended.out
    assert "Completed" in ended.out.splitlines()[-1]


def test_watching_a_run_that_fails(env: dict[str, str]) -> None:
    """Exit code 1, the reason in the last line."""
    ended = flowhand("deployment", "run", "chatty/d", "-p", "fail=true", "--watch", env=env)
    assert ended.code == 1
    assert "as asked" in ended.out.splitlines()[-1]


def test_watching_as_json(env: dict[str, str]) -> None:
    """The run as it ended is all that stdout holds; what happens meanwhile goes to stderr."""
    ended = flowhand("deployment", "run", "chatty/d", "--watch", "-o", "json", env=env)
    assert ended.json["state_type"] == "COMPLETED"
    assert "careful" in ended.err


def test_a_wrong_type_ends_the_run_and_says_which(env: dict[str, str]) -> None:
    """A parameter that does not fit fails the run, or its creation, with its name."""
    ended = flowhand("deployment", "run", "chatty/d", "-p", "lines=many", "--watch", env=env)
    assert ended.code == 1
    assert "lines" in ended.out + ended.err


def test_lines_arrive_while_the_run_runs(env: dict[str, str], tmp_path: Path) -> None:
    """On a terminal lines and states are printed as they come, not when the run is over."""
    hold = tmp_path / "let-go"
    terminal = Terminal("deployment", "run", "chatty/d", "-p", f"hold={json.dumps(str(hold))}", "--watch", env=env)
    try:
        terminal.wait_for("careful")
        terminal.wait_for("Running")
        assert "let go" not in terminal.seen
        hold.touch()
        assert terminal.end() == 0
        assert terminal.seen.count("careful") == 1
        assert terminal.seen.index("let go") < terminal.seen.index("Completed")
    finally:
        terminal.kill()


def test_logs_are_filtered(env: dict[str, str]) -> None:
    """By level, by pattern, by time, the last lines; as JSON with all that a line has."""
    run = flowhand("deployment", "run", "chatty/d", "-p", "lines=20", "--watch", "-o", "json", env=env).json["id"]

    def logs(*words: str) -> list[str]:
        ended = flowhand("flow-run", "logs", run, *words, env=env)
        assert ended.code == 0, ended
        return ended.out.splitlines()

    assert [line for line in logs("--level", "warning") if "line" in line] == []
    assert len(logs("--grep", r"line 1\d$")) == 10
    assert len(logs("--tail", "2")) == 2
    assert len(logs("--since", "10m")) >= 21
    assert logs("--since", "2099-01-01T00:00Z") == []
    rows = json.loads("\n".join(logs("-o", "json", "--grep", "careful")))
    assert [(row["level"], row["message"]) for row in rows] == [(30, "careful")]
    assert "not a regular expression" in flowhand("flow-run", "logs", run, "--grep", "(", env=env).err
    assert "not a level" in flowhand("flow-run", "logs", run, "--level", "loud", env=env).err


def test_following_logs_and_cancelling(env: dict[str, str], tmp_path: Path) -> None:
    """`logs -f` goes on until the run has ended; `cancel --wait` returns when its processes are gone."""
    run = flowhand("deployment", "run", "chatty/d", "-p", f"hold={tmp_path}/never", "-o", "json", env=env).json["id"]
    follower = Terminal("flow-run", "logs", "-f", run, env=env)
    try:
        follower.wait_for("careful")
        cancelled = flowhand("flow-run", "cancel", run, "--wait", env=env)
        assert cancelled.code == 0, cancelled
        assert "Cancelled" in cancelled.out.splitlines()[-1]
        assert follower.end() == 0
    finally:
        follower.kill()
    assert flowhand("flow-run", "inspect", run, "-o", "json", env=env).json["state_type"] == "CANCELLED"


def test_a_run_that_failed_is_retried(env: dict[str, str]) -> None:
    """`retry --watch` runs it once more and tells how that ended."""
    run = flowhand("deployment", "run", "chatty/d", "-p", "fail=true", "--watch", "-o", "json", env=env).json["id"]
    ended = flowhand("flow-run", "retry", run, "--watch", env=env)
    assert ended.code == 1
    assert flowhand("flow-run", "inspect", run, "-o", "json", env=env).json["run_count"] == 2


def test_the_worker_is_seen(env: dict[str, str]) -> None:
    """`worker ls` and `server status` know it."""
    rows = flowhand("worker", "ls", "-o", "json", env=env).json
    assert [(row["work_pool_name"], row["status"]) for row in rows] == [("pool", "ONLINE")]
    sessions = flowhand("server", "status", "-o", "json", env=env).json["sessions"]
    assert [(one["kind"], one["work_pool"]) for one in sessions] == [("worker", "pool")]
