"""Who may die when: a child, the daemon, the keeper, all of them; and what is still true afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flowhand.errors import KeeperError, LaunchError, StartUnsure
from flowhand.execution.launcher import Channel, Exited, StopReason
from flowhand.execution.process import ProcessLauncher
from flowhand.wire.job import Job
from support.following import alive, eventually, following, keeper_pid, names_in
from support.jobs import key, make_job, python, shell

pytestmark = pytest.mark.anyio

TESTS = Path(__file__).parent.parent

COUNTS = """
import os, sys
for number in range(20_000):
    sys.stdout.write(f"{number}\\n")
    if number % 50 == 0: sys.stdout.flush()
"""


@contextmanager
def a_daemon(instance: Path, jobs: list[Job], *arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A daemon that has started the jobs, and their pids. Killed in the end."""
    listed = instance / "jobs.json"
    listed.write_text(json.dumps(jobs))
    command = [sys.executable, "-m", "support.holding_daemon", str(instance), str(listed), *arguments]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TESTS)
    assert daemon.stdout is not None
    try:
        yield daemon, [int(daemon.stdout.readline()) for _ in jobs]
    finally:
        daemon.kill()
        daemon.wait()
        daemon.stdout.close()


async def test_runs_go_on_when_the_daemon_is_killed_and_lose_no_byte(tmp_path: Path) -> None:
    jobs = [python(tmp_path, COUNTS + f"while not os.path.exists({str(tmp_path / 'go')!r}): pass\nprint('end')") for _ in range(3)]
    with a_daemon(tmp_path, jobs) as (daemon, pids):
        daemon.kill()
        daemon.wait()
        async with following(tmp_path) as run:
            assert {one.pid for one in run.held.values()} == set(pids)
            (tmp_path / "go").touch()
            for job in jobs:
                assert (await run.ended(key(job))).code == 0
                assert (await run.text_of(key(job))).split() == [*map(str, range(20_000)), "end"]


async def test_deadlines_are_kept_while_the_daemon_is_stopped(tmp_path: Path) -> None:
    with a_daemon(tmp_path, [shell(tmp_path, "exec sleep 60")], "1.0") as (daemon, [pid]):
        daemon.send_signal(signal.SIGSTOP)
        await eventually(lambda: not alive(pid), within=5)


async def test_a_keeper_s_death_takes_its_children_and_their_hidden_ones_and_is_told(tmp_path: Path) -> None:
    hides = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    print(os.getpid(), flush=True)\n    time.sleep(60)\ntime.sleep(60)"
    async with following(tmp_path) as run:
        job = python(tmp_path, hides)
        started = await run.launcher.start(job)
        hidden = int(await run.printed(key(job), "\n"))
        os.kill(keeper_pid(tmp_path), signal.SIGKILL)
        why = await eventually(lambda: run.vanished.get(key(job)))
        assert "killed" in why
        assert not alive(started.pid)
        assert not alive(hidden)
        assert int(await run.text_of(key(job))) == hidden
        await run.launcher.forget(key(job))
        assert await run.launcher.read(key(job), Channel.STDOUT, 0, 10) == b""


async def test_after_a_keeper_s_death_the_next_start_brings_up_another(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        first = keeper_pid(tmp_path)
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: not alive(first))
        job = shell(tmp_path, "echo again")
        await eventually(lambda: not run.launcher._keepers.links)  # type: ignore[attr-defined]
        await run.launcher.start(job)
        assert (await run.ended(key(job))).code == 0
        assert keeper_pid(tmp_path) != first


async def test_an_exit_that_was_filed_but_not_told_is_told_after_the_keeper_s_death(tmp_path: Path) -> None:
    job = shell(tmp_path, "echo done")
    async with following(tmp_path, dismiss=False) as before:
        await before.launcher.start(job)
        filed = tmp_path / "runs" / f"{key(job)}.exit"
        await eventually(lambda: filed.exists() and filed.stat().st_size, what="an exit in its file")
    pid = keeper_pid(tmp_path)
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not alive(pid))
    async with following(tmp_path) as run:
        held = run.held[key(job)].exit
        assert held is not None
        assert held.code == 0


async def test_when_daemon_and_keeper_are_killed_the_next_daemon_ends_strays_and_says_what_vanished(tmp_path: Path) -> None:
    job = shell(tmp_path, "echo begun; setsid sleep 60 & echo $!; wait")
    with a_daemon(tmp_path, [job]) as (daemon, [pid]):
        out = tmp_path / "runs" / f"{key(job)}.stdout"
        await eventually(lambda: out.exists() and out.read_text().count("\n") == 2)
        hidden = int(out.read_text().split()[1])
        daemon.kill()
        keeper = keeper_pid(tmp_path)
        os.kill(keeper, signal.SIGKILL)
        await eventually(lambda: not alive(pid))
        assert alive(hidden)
        async with following(tmp_path) as run:
            assert run.held == {}
            assert "no worker" in await eventually(lambda: run.vanished.get(key(job)))
            assert not alive(hidden)
            assert (await run.text_of(key(job))).startswith("begun\n")


async def test_a_keeper_that_is_asked_to_end_ends_its_runs_and_files_their_exits(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        job = shell(tmp_path, "echo ready; exec sleep 60")
        await run.launcher.start(job)
        await run.printed(key(job), "ready")
        os.kill(keeper_pid(tmp_path), signal.SIGTERM)
        ended = await run.ended(key(job), within=5)
        assert (ended.stopped, ended.signal) == (StopReason.DRAIN, signal.SIGTERM)
        assert run.vanished == {}


async def test_beside_a_keeper_that_is_asked_to_end_another_one_starts_what_comes(tmp_path: Path) -> None:
    """Also for the next daemon, which finds it ending."""
    deaf, pid = shell(tmp_path, "trap '' TERM; echo ready; while :; do sleep 0.05; done"), 0
    async with following(tmp_path, dismiss=False) as run:
        await run.launcher.start(deaf)
        await run.printed(key(deaf), "ready")
        pid = keeper_pid(tmp_path)
        os.kill(pid, signal.SIGTERM)
        await eventually(lambda: "asked to end" in (tmp_path / "keeper.log").read_text())
        job = shell(tmp_path, "exit 3")
        await run.launcher.start(job)
        assert (await run.ended(key(job))).code == 3
        assert alive(pid)
        await run.launcher.forget(key(job))
    async with following(tmp_path) as run:
        job = shell(tmp_path, "exit 4")
        await run.launcher.start(job)
        assert (await run.ended(key(job))).code == 4
        assert alive(pid)
        await run.launcher.stop(key(deaf), StopReason.CANCEL, 0)


async def test_a_start_that_its_keeper_did_not_survive_ends_by_an_event(tmp_path: Path) -> None:
    """Nobody can know whether it had begun: the start says so, and that it vanished is told."""
    async with following(tmp_path) as run:
        pid = keeper_pid(tmp_path)
        job = shell(tmp_path, "sleep 60")
        os.kill(pid, signal.SIGSTOP)
        start = asyncio.ensure_future(run.launcher.start(job))
        await asyncio.sleep(0)  # it is under way
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(StartUnsure):
            await start
        assert "was killed" in await eventually(lambda: run.vanished.get(key(job)))


async def test_a_newer_daemon_takes_over_and_the_older_one_is_told(tmp_path: Path) -> None:
    async with following(tmp_path) as old:
        job = shell(tmp_path, "exec sleep 60")
        await old.launcher.start(job)
        async with following(tmp_path) as new:
            assert new.held.keys() == {key(job)}
            failed = await eventually(lambda: old.failed)
            assert isinstance(failed, KeeperError)
            assert f"pid {os.getpid()} is the daemon now" in str(failed)
            await new.launcher.stop(key(job), StopReason.CANCEL, 0)
            await new.ended(key(job))


async def test_a_keeper_of_another_environment_finishes_its_runs_beside_a_new_one(tmp_path: Path) -> None:
    job = shell(tmp_path, f"while ! [ -e {tmp_path / 'go'} ]; do sleep 0.01; done; echo ${{COLOUR:-none}}")
    environ = {**os.environ, "COLOUR": "blue"}
    async with following(tmp_path, dismiss=False) as before:
        await before.launcher.start(job)
    async with following(tmp_path, environ=environ) as run:
        old = keeper_pid(tmp_path)
        other = shell(tmp_path, "echo $COLOUR")
        await run.launcher.start(other)
        await run.ended(key(other))
        assert await run.text_of(key(other)) == "blue\n"
        (tmp_path / "go").touch()
        assert (await run.ended(key(job))).code == 0
        assert await run.text_of(key(job)) == "none\n"
        await run.launcher.forget(key(job))
        await eventually(lambda: not alive(old))


async def test_a_dismissed_keeper_leaves_when_its_last_run_is_forgotten(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        pid = keeper_pid(tmp_path)
        job = shell(tmp_path, "true")
        await run.launcher.start(job)
        await run.ended(key(job))
    await eventually(lambda: not alive(pid), within=5)
    assert names_in(tmp_path) == ["keeper.log", "runs"]


async def test_a_run_is_told_that_its_session_is_not_the_daemon_s_terminal(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text("import os\nfrom flowhand import flow\n@flow\ndef sid():\n    print(os.getsid(0) == os.getpid())\n")
    async with following(tmp_path) as run:
        job = make_job(tmp_path, entrypoint="flows.py:sid")
        await run.launcher.start(job)
        await run.ended(key(job))
        assert await run.text_of(key(job)) == "True\n"


async def test_a_start_says_why_no_keeper_can_be_brought_up(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        pid = keeper_pid(tmp_path)
        (tmp_path / "keeper.log").unlink()
        (tmp_path / "keeper.log").mkdir()
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: not run.launcher._keepers.links)  # type: ignore[attr-defined]
        with pytest.raises(LaunchError, match=r"keeper\.log cannot be written"):
            await run.launcher.start(shell(tmp_path, "true"))


async def test_a_keeper_that_is_stopped_is_named_and_nothing_is_started_beside_it(tmp_path: Path) -> None:
    async with following(tmp_path, dismiss=False):
        pid = keeper_pid(tmp_path)
    os.kill(pid, signal.SIGSTOP)
    try:
        launcher = ProcessLauncher(tmp_path, os.environ)
        with pytest.raises(KeeperError, match=f"pid {pid}.*suspended"):
            await launcher.open()
        await launcher.close(dismiss=False)
    finally:
        os.kill(pid, signal.SIGKILL)


async def test_a_keeper_that_leaves_while_we_come_is_replaced(tmp_path: Path) -> None:
    for _ in range(5):
        async with following(tmp_path, dismiss=True) as run:
            job = shell(tmp_path, "true")
            await run.launcher.start(job)
            await run.ended(key(job))


async def test_a_keeper_that_was_retired_serves_the_next_daemon_again(tmp_path: Path) -> None:
    """A daemon that drained could not tell how its last run ended; the next one forgets that run, and starts others all the same."""
    job, other = shell(tmp_path, "true"), shell(tmp_path, "exit 3")
    first = ProcessLauncher(tmp_path, os.environ)
    await first.open()
    await first.start(job)
    async for event in first.events():
        if isinstance(event, Exited):
            break
    pid = keeper_pid(tmp_path)
    await first.close(dismiss=True)
    async with following(tmp_path, dismiss=True) as second:
        await second.launcher.forget(key(job))
        await second.launcher.start(other)
        assert (await second.ended(key(other))).code == 3
        assert keeper_pid(tmp_path) == pid
        await second.launcher.forget(key(other))
    assert await eventually(lambda: not alive(pid))
