"""What belongs to a run ends with it, however it hides; what has left on purpose is let go."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from flowhand.execution.launcher import Channel, StopReason
from flowhand.keeper.loop import now
from flowhand.wire.job import Job
from support.following import Following, alive, environ_of, following
from support.jobs import key, make_job, python, shell

pytestmark = pytest.mark.anyio

DAEMONISE = """
import os, signal, sys, time
def daemonise(work):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print(os.getpid(), flush=True)
            work()
        os._exit(0)
    os.wait()
"""


async def pid_printed(run: Following, job: Job) -> int:
    return int((await run.printed(key(job), "\n")).split()[0])


async def test_a_stop_reaches_grandchildren_that_forked_twice_and_made_a_session(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        job = python(tmp_path, f"{DAEMONISE}\ndaemonise(lambda: time.sleep(60))\ntime.sleep(60)")
        await run.launcher.start(job)
        hidden = await pid_printed(run, job)
        await run.launcher.stop(key(job), StopReason.CANCEL, 0.3)
        ended = await run.ended(key(job), within=8)
        assert ended.stopped == StopReason.CANCEL
        assert ended.survivors == []
        assert not alive(hidden)


async def test_what_a_run_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        job = python(tmp_path, f"{DAEMONISE}\ndaemonise(lambda: time.sleep(60))")
        await run.launcher.start(job)
        hidden = await pid_printed(run, job)
        assert (await run.ended(key(job), within=5)).survivors == []
        assert not alive(hidden)


async def test_what_leaves_by_itself_in_time_is_not_killed(tmp_path: Path) -> None:
    done = tmp_path / "done"
    script = f"{DAEMONISE}\ndef work():\n    time.sleep(.1)\n    open({str(done)!r}, 'w').close()\n    os._exit(0)\ndaemonise(work)"
    async with following(tmp_path) as run:
        job = python(tmp_path, script)
        await run.launcher.start(job)
        await run.ended(key(job), within=5)
        assert done.exists()


async def test_a_process_that_dropped_its_mark_and_its_session_is_let_go(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        job = shell(tmp_path, "env -u FLOWHAND__MARK setsid sleep 60 > /dev/null 2>&1 3>&- & echo $!; sleep 0.2")
        await run.launcher.start(job)
        free = await pid_printed(run, job)
        await run.ended(key(job), within=5)
        assert alive(free)
        os.kill(free, signal.SIGKILL)


async def test_a_stopped_group_is_woken_to_be_asked(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        job = shell(tmp_path, "trap 'echo asked; exit 5' TERM; echo ready; while true; do sleep 0.05; done")
        started = await run.launcher.start(job)
        await run.printed(key(job), "ready")
        os.killpg(started.pid, signal.SIGSTOP)
        await run.launcher.stop(key(job), StopReason.CANCEL, 10)
        assert (await run.ended(key(job), within=5)).code == 5


async def test_a_stop_right_after_the_start_ends_it(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        jobs = [shell(tmp_path, "exec sleep 60") for _ in range(20)]
        for job in jobs:
            await run.launcher.start(job)
            await run.launcher.stop(key(job), StopReason.CANCEL, 10)
        for job in jobs:
            assert (await run.ended(key(job), within=5)).signal == signal.SIGTERM


async def test_processes_that_only_forked_carry_the_mark(tmp_path: Path) -> None:
    source = """
import os, time
from flowhand import flow
@flow
def forks(path):
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    print(open(f"/proc/self/task/{os.getpid()}/children").read(), flush=True)
    time.sleep(60)
"""
    (tmp_path / "flows.py").write_text(source)
    async with following(tmp_path) as run:
        job = make_job(tmp_path, entrypoint="flows.py:forks", parameters={"path": "x"})
        await run.launcher.start(job)
        forked = await pid_printed(run, job)
        assert f"FLOWHAND__MARK={job['mark']} ".encode() in environ_of(forked)


async def test_cpu_of_what_was_left_behind_is_counted(tmp_path: Path) -> None:
    burn = f"{sys.executable} -Sc 'import time\nwhile time.process_time() < 0.1: pass'"
    burnt = tmp_path / "burnt"
    async with following(tmp_path) as run:
        job = shell(tmp_path, f"( ( {burn}; touch {burnt} ) & ); until [ -e {burnt} ]; do sleep 0.01; done")
        await run.launcher.start(job)
        assert (await run.ended(key(job), within=10)).cpu_s > 0.1


async def test_a_child_killed_by_somebody_is_told_as_it_died(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        job = shell(tmp_path, "echo ready; exec sleep 60")
        started = await run.launcher.start(job)
        await run.printed(key(job), "ready")
        os.kill(started.pid, signal.SIGKILL)
        ended = await run.ended(key(job), within=5)
        assert (ended.code, ended.signal, ended.stopped, ended.killed, ended.oom) == (None, 9, None, False, None)


async def test_a_flow_that_hears_no_signal_is_timed_out_from_outside(tmp_path: Path) -> None:
    source = """
import signal, time
from flowhand import flow
@flow(timeout_seconds=0.2)
def deaf():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(60)
"""
    (tmp_path / "flows.py").write_text(source)
    async with following(tmp_path) as run:
        job = make_job(tmp_path, entrypoint="flows.py:deaf")
        await run.launcher.start(job)
        ended = await run.ended(key(job), within=8)
        assert (ended.stopped, ended.killed) == (StopReason.TIMEOUT, True)
        assert 1.2 <= ended.wall_s < 3


async def test_only_what_has_not_begun_is_revoked(tmp_path: Path) -> None:
    """Who asks may not have heard yet that a run has begun: its keeper leaves it alone, and the next stop counts."""
    source = """
import sys, time
from flowhand import flow
@flow
def goes_on():
    print("begun", file=sys.stderr, flush=True)
    time.sleep(60)
"""
    (tmp_path / "flows.py").write_text(source)
    async with following(tmp_path) as run:
        begun = make_job(tmp_path, entrypoint="flows.py:goes_on")
        waiting = make_job(tmp_path, entrypoint="flows.py:goes_on", start_at=now() + 60)
        for job in (begun, waiting):
            await run.launcher.start(job)
        await run.printed(key(begun), "begun", Channel.STDERR)
        for job in (begun, waiting):
            await run.launcher.stop(key(job), StopReason.REVOKED, 5)
        assert (await run.ended(key(waiting), within=8)).stopped == StopReason.REVOKED
        assert key(begun) not in run.exits
        await run.launcher.stop(key(begun), StopReason.CANCEL, 5)
        assert (await run.ended(key(begun), within=8)).stopped == StopReason.CANCEL
