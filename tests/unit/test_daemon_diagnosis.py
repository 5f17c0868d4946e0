"""What `flowhand doctor` finds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flowhand.daemon.diagnosis import check_api, check_home, file_system
from flowhand.daemon.finding import Level
from flowhand.daemon.instance import Stamp, acquire
from flowhand.daemon.instance_diagnosis import check_instances, unsent
from flowhand.daemon.journal import Journal
from flowhand.keeper import linux
from flowhand.settings import Settings
from flowhand.wire.runner import ClaimedRun


def claimed(run_id: str) -> ClaimedRun:
    """A run as a claim gives it."""
    return ClaimedRun(
        run_id=run_id, attempt=1, run_count=1, name="n", flow_id="f", flow_name="flow", scheduled_us=0, start_in_s=0, lease_s=60
    )


def test_a_home_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    """Its mode is said with the command that mends it."""
    tmp_path.chmod(0o755)
    levels = {finding.level: finding.advice for finding in check_home(Settings(home=tmp_path))}
    assert "chmod 700" in levels[Level.WARNING]
    tmp_path.chmod(0o700)
    assert [finding.level for finding in check_home(Settings(home=tmp_path))] == [Level.OK]


def test_a_home_that_is_not_there_is_fine(tmp_path: Path) -> None:
    """The first one to need it makes it."""
    assert [finding.level for finding in check_home(Settings(home=tmp_path / "none"))] == [Level.OK]


def test_a_home_that_is_a_file_is_a_problem(tmp_path: Path) -> None:
    """It cannot be written into."""
    (tmp_path / "home").write_text("")
    assert Level.PROBLEM in [finding.level for finding in check_home(Settings(home=tmp_path / "home"))]


def test_a_dead_daemons_unreported_runs_are_counted(tmp_path: Path) -> None:
    """Two claimed, one done: one is left, whether a daemon holds the instance or not."""
    instance = acquire(tmp_path, "worker", "identity", "w")
    journal = Journal(instance.journal_path)
    journal.claimed("a.1", claimed("a"), 1.0)
    journal.claimed("b.1", claimed("b"), 1.0)
    journal.done("a.1")
    journal.close()
    assert unsent(instance.journal_path).runs == 1
    instance.close()
    finding = next(check_instances(Settings(home=tmp_path)))
    assert "1 run(s) not reported" in finding.found
    assert "start the worker again" in finding.advice


def test_an_api_that_does_not_answer_is_a_problem(unused_port: int) -> None:
    """The URL is said, and what to do."""
    (finding,) = check_api(Settings(api_url=f"http://127.0.0.1:{unused_port}/api"))
    assert finding.level is Level.PROBLEM
    assert str(unused_port) in finding.found
    assert "FLOWHAND_API_URL" in finding.advice


def test_the_file_system_of_a_path_is_known() -> None:
    """/proc is of its own kind."""
    assert file_system(Path("/proc/self")) == "proc"


@pytest.fixture
def unused_port() -> int:
    """A port that nobody listens on."""
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_a_home_that_cannot_be_made_is_a_problem() -> None:
    """Nothing can be made below /proc, by anybody."""
    found = list(check_home(Settings(home=Path("/proc/nowhere/home"))))
    assert [(finding.level, finding.what) for finding in found] == [(Level.PROBLEM, "home")]
    assert "cannot be made" in found[0].found


def test_a_torn_journal_is_told(tmp_path: Path) -> None:
    """How much of it is not whole, and that the next start mends it."""
    instance = acquire(tmp_path, "worker", "identity", "w")
    journal = Journal(instance.journal_path)
    journal.claimed("a.1", claimed("a"), 1.0)
    journal.close()
    with instance.journal_path.open("ab") as file:
        file.write(b"torn")
    instance.close()
    finding = next(check_instances(Settings(home=tmp_path)))
    assert "1 run(s) not reported; the last 4 bytes of its journal were not written whole" in finding.found
    assert "start the worker again: it cuts them off" in finding.advice


def test_the_runs_of_a_daemon_at_work_are_under_way(tmp_path: Path) -> None:
    """And not left behind."""
    instance = acquire(tmp_path, "worker", "identity", "w")
    journal = Journal(instance.journal_path)
    journal.claimed("a.1", claimed("a"), 1.0)
    instance.write_stamp(Stamp("", "", "", "", "", linux.boot_id(), linux.pid_namespace(), 0, 0.0))
    assert next(check_instances(Settings(home=tmp_path))).found == "a daemon is running; 1 run(s) under way"
    journal.close()
    instance.close()


def test_runs_of_another_server_are_told(tmp_path: Path) -> None:
    """The journal that was set aside is named."""
    instance = acquire(tmp_path, "worker", "identity", "w")
    journal = Journal(instance.journal_path)
    journal.claimed("a.1", claimed("a"), 1.0)
    aside = journal.set_aside("server-1")
    journal.close()
    instance.close()
    found = {finding.found: finding.advice for finding in check_instances(Settings(home=tmp_path))}
    assert found["1 run(s) of another server are not reported; that server is not the one that answers now"] == (
        f"delete {aside} if that server is gone for good"
    )


def test_a_daemon_that_is_suspended_is_a_problem(tmp_path: Path) -> None:
    """It holds its lock and does nothing."""
    pause = "import sys; from pathlib import Path; from flowhand.daemon.instance import *; from flowhand.keeper import linux\n"
    pause += "held = acquire(Path(sys.argv[1]), 'worker', 'identity', 'w')\n"
    pause += "held.write_stamp(Stamp('', '', '', '', '', linux.boot_id(), linux.pid_namespace(), 0, 0.0))\n"
    pause += "os.kill(os.getpid(), 19)"
    with subprocess.Popen([sys.executable, "-c", pause, str(tmp_path)]) as suspended:
        os.waitid(os.P_PID, suspended.pid, os.WSTOPPED | os.WNOWAIT)
        problems = [finding for finding in check_instances(Settings(home=tmp_path)) if finding.level is Level.PROBLEM]
        suspended.kill()
    assert [finding.found for finding in problems] == [f"its daemon, pid {suspended.pid}, is suspended (SIGSTOP)"]
    assert f"kill -CONT {suspended.pid}" in problems[0].advice


def test_a_home_of_another_machine_is_told(tmp_path: Path) -> None:
    """Its runs can only be reported as lost, and nobody is signalled."""
    instance = acquire(tmp_path, "worker", "identity", "w")
    journal = Journal(instance.journal_path)
    journal.claimed("a.1", claimed("a"), 1.0)
    journal.close()
    instance.write_stamp(Stamp("", "", "", "", "another machine", "another boot", "another namespace", 1, 1.0))
    instance.close()
    finding = next(check_instances(Settings(home=tmp_path)))
    assert "on another one" in finding.found
    assert "signals nobody" in finding.advice
