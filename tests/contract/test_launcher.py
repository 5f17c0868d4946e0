"""The Launcher port: what every kind of execution promises (execution/launcher.py)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from flowhand.errors import LaunchError
from flowhand.execution.launcher import Channel, StopReason
from flowhand.wire.job import Job
from support.following import Following, eventually, following
from support.jobs import key, make_job

pytestmark = pytest.mark.anyio

FLOWS = """
import signal, sys, time
from flowhand import flow

@flow
def returns():
    print("out")
    print("err", file=sys.stderr)

@flow
def sleeps():
    print("asleep", flush=True)
    time.sleep(60)

@flow
def stubborn():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("asleep", flush=True)
    time.sleep(60)

@flow
def waits_for(path):
    print("waiting", flush=True)
    import os
    while not os.path.exists(path):
        time.sleep(0.01)
    print("seen", flush=True)
"""


@pytest.fixture(params=["process"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of an instance, with flows in it. A kind that is added brings its own `following`."""
    (tmp_path / "flows.py").write_text(FLOWS)
    return tmp_path


def a_flow(instance: Path, name: str, **changes: object) -> Job:
    return make_job(instance, entrypoint=f"flows.py:{name}", **changes)


def now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


async def test_a_run_leaves_its_frames_its_output_and_a_clean_exit(instance: Path) -> None:
    async with following(instance) as run:
        job = a_flow(instance, "returns")
        await run.launcher.start(job)
        ended = await run.ended(key(job))
        assert (ended.code, ended.signal, ended.stopped, ended.killed, ended.survivors) == (0, None, None, False, [])
        assert [frame["k"] for frame in await run.frames(key(job))] == ["running", "end"]
        assert await run.text_of(key(job), Channel.STDOUT) == "out\n"
        assert await run.text_of(key(job), Channel.STDERR) == "err\n"


async def test_an_exit_says_the_sizes_of_the_files_and_what_the_run_took(instance: Path) -> None:
    async with following(instance) as run:
        job = a_flow(instance, "returns")
        await run.launcher.start(job)
        ended = await run.ended(key(job))
        sizes = {channel: len(await run.bytes_of(key(job), channel)) for channel in Channel}
        assert sizes == {Channel.CHANNEL: ended.sizes.channel, Channel.STDOUT: ended.sizes.stdout, Channel.STDERR: ended.sizes.stderr}
        assert 0 < ended.cpu_s < 5
        assert 0 < ended.wall_s < 20


async def test_starting_a_key_again_answers_the_same_process(instance: Path) -> None:
    async with following(instance) as run:
        job = a_flow(instance, "sleeps")
        assert await run.launcher.start(job) == await run.launcher.start(job)


async def test_doorbells_only_ever_grow_and_come_before_the_exit(instance: Path) -> None:
    async with following(instance) as run:
        job = a_flow(instance, "waits_for", parameters={"path": str(instance / "go")})
        await run.launcher.start(job)
        await run.printed(key(job), "waiting")
        (instance / "go").touch()
        await run.ended(key(job))
        sizes = [one.sizes for one in run.progress]
        assert sizes
        assert sizes == sorted(sizes, key=lambda one: (one.channel, one.stdout, one.stderr))


async def test_a_stop_is_told_asked_and_attributed(instance: Path) -> None:
    async with following(instance) as run:
        job = a_flow(instance, "sleeps")
        await run.launcher.start(job)
        await run.printed(key(job), "asleep")
        await run.launcher.stop(key(job), StopReason.CANCEL, 10)
        ended = await run.ended(key(job))
        assert (ended.stopped, ended.killed) == (StopReason.CANCEL, False)
        assert (await run.frames(key(job)))[-1]["type"] == "CANCELLED"


async def test_who_does_not_listen_is_killed_after_the_grace(instance: Path) -> None:
    async with following(instance) as run:
        job = a_flow(instance, "stubborn")
        await run.launcher.start(job)
        await run.printed(key(job), "asleep")
        await run.launcher.stop(key(job), StopReason.DRAIN, 0.2)
        ended = await run.ended(key(job), within=5)
        assert (ended.signal, ended.stopped, ended.killed) == (9, StopReason.DRAIN, True)


@pytest.mark.parametrize(("second", "counts"), [("drain", "drain"), ("linger", "drain"), ("cancel", "cancel")])
async def test_a_second_stop_may_shorten_the_grace(instance: Path, second: str, counts: str) -> None:
    """The first reason stays, unless the second is a cancel."""
    async with following(instance) as run:
        job = a_flow(instance, "stubborn")
        await run.launcher.start(job)
        await run.printed(key(job), "asleep")
        await run.launcher.stop(key(job), StopReason.DRAIN, 60)
        await run.launcher.stop(key(job), StopReason(second), 0)
        ended = await run.ended(key(job), within=5)
        assert (ended.stopped, ended.killed) == (StopReason(counts), True)


async def test_a_deadline_that_passes_kills(instance: Path) -> None:
    async with following(instance) as run:
        job = a_flow(instance, "stubborn")
        await run.launcher.start(job)
        await run.printed(key(job), "asleep")
        await run.launcher.extend({key(job): now() + 0.1})
        ended = await run.ended(key(job), within=5)
        assert (ended.signal, ended.stopped, ended.killed) == (9, StopReason.LEASE, True)


async def test_a_deadline_of_the_start_kills(instance: Path) -> None:
    async with following(instance) as run:
        job = a_flow(instance, "sleeps")
        await run.launcher.start(job, kill_at=now() + 0.3)
        assert (await run.ended(key(job), within=5)).stopped == StopReason.LEASE


async def test_a_deadline_that_is_moved_in_time_does_not_kill(instance: Path) -> None:
    async with following(instance) as run:
        job = a_flow(instance, "waits_for", parameters={"path": str(instance / "go")})
        passes = now() + 0.5
        await run.launcher.start(job, kill_at=passes)
        await run.launcher.extend({key(job): None})
        await eventually(lambda: now() > passes + 0.1)
        (instance / "go").touch()
        ended = await run.ended(key(job))
        assert (ended.code, ended.stopped) == (0, None)


async def test_files_are_read_by_offset_and_limit(instance: Path) -> None:
    async with following(instance) as run:
        job = a_flow(instance, "returns")
        await run.launcher.start(job)
        await run.ended(key(job))
        assert await run.launcher.read(key(job), Channel.STDOUT, 1, 2) == b"ut"
        assert await run.launcher.read(key(job), Channel.STDOUT, 4, 100) == b""
        assert await run.launcher.read("nobody.1", Channel.STDOUT, 0, 100) == b""


async def test_what_is_forgotten_leaves_no_file_and_may_be_forgotten_again(instance: Path) -> None:
    async with following(instance) as run:
        job = a_flow(instance, "returns")
        await run.launcher.start(job)
        await run.ended(key(job))
        for _ in range(2):
            await run.launcher.forget(key(job))
        assert list((instance / "runs").iterdir()) == []
        assert await run.launcher.read(key(job), Channel.STDOUT, 0, 100) == b""


async def test_unknown_keys_are_ignored(instance: Path) -> None:
    async with following(instance) as run:
        await run.launcher.stop("nobody.1", StopReason.CANCEL, 0)
        await run.launcher.forget("nobody.1")
        await run.launcher.extend({"nobody.1": 1.0})


async def test_a_run_goes_on_without_us_and_is_held_when_we_come_back(instance: Path) -> None:
    job = a_flow(instance, "waits_for", parameters={"path": str(instance / "go")})
    async with following(instance, dismiss=False) as before:
        started = await before.launcher.start(job)
        await before.printed(key(job), "waiting")
    async with following(instance) as run:
        held = run.held[key(job)]
        assert (held.pid, held.exit) == (started.pid, None)
        (instance / "go").touch()
        assert (await run.ended(key(job))).code == 0
        assert await run.text_of(key(job)) == "waiting\nseen\n"


async def test_an_end_that_nobody_saw_is_held_with_its_exit(instance: Path) -> None:
    job = a_flow(instance, "waits_for", parameters={"path": str(instance / "go")})
    async with following(instance, dismiss=False) as before:
        await before.launcher.start(job)
        await before.printed(key(job), "waiting")
    (instance / "go").touch()
    await eventually(lambda: (instance / "runs" / f"{key(job)}.exit").exists())
    async with following(instance) as run:
        held: Following = run
        ended = held.held[key(job)].exit
        assert ended is not None
        assert ended.code == 0


async def test_what_cannot_be_started_says_why(instance: Path) -> None:
    async with following(instance) as run:
        with pytest.raises(LaunchError, match="no-such-program"):
            await run.launcher.start(make_job(instance, command=["no-such-program"]))


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True})], ids=["uvloop"])
async def test_the_same_holds_on_the_daemon_s_own_loop(instance: Path) -> None:
    async with following(instance) as run:
        job = a_flow(instance, "sleeps")
        await run.launcher.start(job)
        await run.printed(key(job), "asleep")
        await run.launcher.stop(key(job), StopReason.CANCEL, 10)
        assert (await run.ended(key(job))).stopped == StopReason.CANCEL
