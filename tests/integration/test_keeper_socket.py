"""The keeper's socket: who is obeyed, and that nonsense harms nobody."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from flowhand.keeper.loop import now
from support.following import names_in
from support.jobs import key, shell
from support.keeper_talk import Talk
from support.worker import wait_for


@contextmanager
def a_keeper(instance: Path, *options: str, descriptors: int | None = None) -> Generator[subprocess.Popen[bytes]]:
    """A keeper started by hand, listening."""
    command = [sys.executable, "-P", "-m", "flowhand.keeper", "--directory", str(instance), *options]
    if descriptors is not None:
        command = ["/bin/sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *command]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Path]:
    """An instance whose keeper listens."""
    with a_keeper(tmp_path):
        yield tmp_path


def test_hello_says_who_is_there(keeper: Path) -> None:
    answer = Talk(keeper).ask("HELLO", protocol=1, version="x", pid=os.getpid())
    assert answer["ok"] is True
    assert answer["id"] == 7
    assert answer["pid"] == json.loads((keeper / "keeper.json").read_text())["pid"]


def test_nothing_is_done_before_hello(keeper: Path) -> None:
    assert Talk(keeper).ask("LIST") == {"id": 7, "ok": False, "error": "say HELLO first"}


def test_an_unknown_op_is_answered_with_an_error_and_the_talk_goes_on(keeper: Path) -> None:
    talk = Talk(keeper)
    talk.ask("HELLO", protocol=1)
    assert "unknown op" in talk.ask("DANCE")["error"]
    assert talk.ask("LIST")["held"] == []


@pytest.mark.parametrize("body", [{}, {"job": {}}, {"job": None}, {"job": {"run_id": 1, "attempt": "x"}, "grace_s": "much"}])
def test_a_malformed_start_is_answered_with_an_error(keeper: Path, body: dict[str, Any]) -> None:
    talk = Talk(keeper)
    talk.ask("HELLO", protocol=1)
    assert talk.ask("START", **body)["ok"] is False
    assert talk.ask("LIST")["held"] == []


def test_a_mark_that_has_no_room_in_the_environment_is_refused(keeper: Path) -> None:
    talk = Talk(keeper)
    talk.ask("HELLO", protocol=1)
    job = shell(keeper, "true", mark="m" * 201)
    assert "longer than 200 bytes" in talk.ask("START", job=job, grace_s=1, kill_at=None)["error"]


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", struct.pack("<I", 3) + b"[1]", struct.pack("<I", 4) + b"\xff\xff\xff\xff"])
def test_garbage_ends_that_connection_alone(keeper: Path, garbage: bytes) -> None:
    daemon, other = Talk(keeper), Talk(keeper)
    daemon.ask("HELLO", protocol=1)
    other.sock.sendall(garbage)
    with pytest.raises(ConnectionResetError):
        other.hear()
    assert daemon.ask("LIST")["ok"] is True


def test_a_crowd_of_strangers_does_not_shut_the_daemon_out(keeper: Path) -> None:
    crowd = [Talk(keeper) for _ in range(40)]
    daemon = Talk(keeper)
    assert daemon.ask("HELLO", protocol=1)["ok"] is True
    assert len(crowd) == 40


def test_a_second_hello_drops_the_first_daemon(keeper: Path) -> None:
    first, second = Talk(keeper), Talk(keeper)
    first.ask("HELLO", protocol=1)
    second.ask("HELLO", protocol=1)
    assert first.hear()["op"] == "DROPPED"
    with pytest.raises(ConnectionResetError):
        first.hear()


def test_only_the_holder_of_the_lock_is_obeyed(keeper: Path) -> None:
    (keeper / "lock").touch()
    holds = "import fcntl,sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", holds, str(keeper / "lock")], stdin=-1, stdout=-1) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert f"held by pid {holder.pid}" in Talk(keeper).ask("HELLO", protocol=1)["error"]
        holder.communicate()
    with (keeper / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert Talk(keeper).ask("HELLO", protocol=1)["ok"] is True


def test_a_second_keeper_of_one_number_does_not_begin(keeper: Path) -> None:
    command = [sys.executable, "-P", "-m", "flowhand.keeper", "--directory", str(keeper)]
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert second.returncode == 1
    assert "another keeper serves" in second.stderr


def test_a_keeper_that_nobody_needs_leaves(tmp_path: Path) -> None:
    with a_keeper(tmp_path, "--alone", "0.3") as process:
        talk = Talk(tmp_path)
        talk.ask("HELLO", protocol=1)
        talk.sock.close()
        assert process.wait(5) == 0
    assert names_in(tmp_path) == ["runs"]


def test_more_runs_than_descriptors_allow_are_refused_and_the_others_go_on(tmp_path: Path) -> None:
    with a_keeper(tmp_path, descriptors=100):
        talk = Talk(tmp_path)
        talk.ask("HELLO", protocol=1)
        jobs = [shell(tmp_path, "echo here; exec sleep 60") for _ in range(8)]
        answers = [talk.ask("START", job=job, grace_s=1, kill_at=None) for job in jobs]
        started = [job for job, answer in zip(jobs, answers, strict=True) if answer["ok"]]
        assert len(started) == 4
        assert "ulimit -n" in answers[-1]["error"]
        talk.ask("KILL", key=key(started[0]), reason="cancel", grace_s=0)
        assert talk.hear_until("EXIT")["exit"]["killed"] is True
        assert talk.ask("START", job=jobs[-1], grace_s=1, kill_at=None)["ok"] is True


@contextmanager
def stopped(instance: Path) -> Generator[None]:
    """The keeper stands still meanwhile."""
    pid = json.loads((instance / "keeper.json").read_text())["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_start_that_waited_too_long_is_refused(keeper: Path) -> None:
    """What a stopped keeper was asked, and its daemon has given up since, is not begun when it goes on."""
    talk = Talk(keeper)
    talk.ask("HELLO", protocol=1)
    job = shell(keeper, f"touch {keeper}/ran")
    with stopped(keeper):
        talk.send("START", job=job, grace_s=1, kill_at=None, until=now() + 0.2)
        time.sleep(0.3)  # what is shown is that time passes
    assert "given it up" in talk.hear()["error"]
    assert talk.ask("LIST")["held"] == []
    assert not (keeper / "ran").exists()


def test_forgetting_what_lives_ends_it_without_a_word(keeper: Path) -> None:
    """A daemon that was not told whether its run was started forgets it, and then it is not there."""
    talk = Talk(keeper)
    talk.ask("HELLO", protocol=1)
    job = shell(keeper, "sleep 60")
    with stopped(keeper):
        talk.send("START", job=job, grace_s=1, kill_at=None, until=now() + 60)
        talk.send("FORGET", key=key(job))
    pid = talk.hear()["pid"]
    assert talk.hear()["ok"] is True
    wait_for(lambda: not psutil.pid_exists(pid), 5)
    wait_for(lambda: talk.ask("LIST")["held"] == [], 5)
    assert names_in(keeper / "runs") == []
    assert talk.ask("START", job=shell(keeper, "true"), grace_s=1, kill_at=None)["ok"] is True
    assert talk.hear_until("EXIT")["key"] != key(job)
