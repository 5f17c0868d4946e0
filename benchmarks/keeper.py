"""What a run costs the keeper and its host. One JSON line a figure.

    python benchmarks/keeper.py [latency] [rate] [memory] [--runs N]

`latency`: START to the flow's first line, one run at a time. `rate`: no-op flows a second, 50 at once, with CPU and page faults.
`memory`: the keeper's PSS, and the USS of a flow that sleeps.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import psutil

from flowhand.execution.launcher import Channel, Exited, StopReason
from flowhand.execution.process import ProcessLauncher
from flowhand.execution.sweep import mark_of
from flowhand.wire.job import Job, key_of

FLOWS = """
import os, time
from flowhand import flow

@flow
def stamps():
    os.write(1, str(time.clock_gettime_ns(time.CLOCK_MONOTONIC)).encode())

@flow
def nothing():
    pass

@flow
def sleeps():
    os.write(1, b"asleep")
    time.sleep(600)
"""
AT_ONCE = 50


class Bench:
    """A launcher with news of exits."""

    def __init__(self, instance: Path) -> None:
        self.instance = instance
        self.launcher = ProcessLauncher(instance, os.environ)
        self._ended: dict[str, anyio.Event] = {}

    async def follow(self) -> None:
        async for event in self.launcher.events():
            if isinstance(event, Exited):
                self._ended[event.key].set()

    def job(self, name: str) -> Job:
        run_id = str(uuid.uuid4())
        self._ended[key_of(run_id, 1)] = anyio.Event()
        return Job(
            run_id=run_id,
            attempt=1,
            run_count=1,
            name="bench",
            flow_id=run_id,
            flow_name=name,
            deployment_id=None,
            deployment_name=None,
            entrypoint=f"flows.py:{name}",
            directory=str(self.instance),
            pull_steps=[],
            parameters={},
            tags=[],
            labels={},
            scheduled_us=time.time_ns() // 1000,
            start_at=None,
            lease_until=None,
            env={},
            command=None,
            python=None,
            log_level=logging.INFO,
            api_url="",
            api_file=None,
            work_pool=None,
            work_queue=None,
            worker="bench",
            mark=mark_of(self.instance, key_of(run_id, 1)),
            redelivered=False,
        )

    async def ended(self, job: Job) -> str:
        key = key_of(job["run_id"], 1)
        await self._ended[key].wait()
        return key

    def keeper(self) -> psutil.Process:
        return psutil.Process(json.loads((self.instance / "keeper.json").read_text())["pid"])


async def latency(bench: Bench, runs: int) -> None:
    taken: list[float] = []
    for _ in range(runs):
        job = bench.job("stamps")
        begun = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        await bench.launcher.start(job)
        key = await bench.ended(job)
        taken.append((int(await bench.launcher.read(key, Channel.STDOUT, 0, 99)) - begun) / 1e6)
        await bench.launcher.forget(key)
    taken.sort()
    say("start_to_first_line_ms", least=taken[0], p50=statistics.median(taken), p99=taken[int(len(taken) * 0.99)], runs=runs)


async def rate(bench: Bench, runs: int) -> None:
    keeper = bench.keeper()
    gate = anyio.Semaphore(AT_ONCE)
    before, faults, begun = keeper.cpu_times(), children_faults(keeper), time.perf_counter()

    async def one() -> None:
        async with gate:
            job = bench.job("nothing")
            await bench.launcher.start(job)
            await bench.launcher.forget(await bench.ended(job))

    async with anyio.create_task_group() as tasks:
        for _ in range(runs):
            tasks.start_soon(one)
    took, after = time.perf_counter() - begun, keeper.cpu_times()
    user, system = after.user - before.user, after.system - before.system
    children = after.children_user + after.children_system - before.children_user - before.children_system
    say("runs_per_second", value=runs / took, runs=runs, at_once=AT_ONCE)
    say("page_faults_a_run", value=(children_faults(keeper) - faults) / runs)
    say("cpu_ms_a_run", keeper_user=user / runs * 1e3, keeper_system=system / runs * 1e3, child=children / runs * 1e3)


async def memory(bench: Bench, runs: int) -> None:
    jobs = [bench.job("sleeps") for _ in range(min(runs, 20))]
    pids = [(await bench.launcher.start(job)).pid for job in jobs]
    for job in jobs:
        while not await bench.launcher.read(key_of(job["run_id"], 1), Channel.STDOUT, 0, 99):  # noqa: ASYNC110 - another process's doing
            await anyio.sleep(0.005)
    uss = [psutil.Process(pid).memory_full_info().uss / 1e6 for pid in pids]
    say("sleeping_run_uss_mb", median=statistics.median(uss), most=max(uss), runs=len(uss))
    for job in jobs:
        await bench.launcher.stop(key_of(job["run_id"], 1), StopReason.CANCEL, 0)
    for job in jobs:
        await bench.launcher.forget(await bench.ended(job))
    info = bench.keeper().memory_full_info()
    say("keeper_mb", pss=info.pss / 1e6, uss=info.uss / 1e6, rss=info.rss / 1e6)


def children_faults(process: psutil.Process) -> int:
    """Page faults of the children that it has reaped (proc(5), cminflt): mostly copied pages of the warm image, which a run wrote to."""
    return int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[8])


def say(what: str, **figures: float) -> None:
    print(json.dumps({"what": what, **{name: round(value, 3) for name, value in figures.items()}}), flush=True)


BENCHES: dict[str, Callable[[Bench, int], Coroutine[Any, Any, None]]] = {"latency": latency, "rate": rate, "memory": memory}


async def run(names: list[str], runs: int, instance: Path) -> None:
    bench = Bench(instance)
    await bench.launcher.open()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bench.follow)
        for name in names:
            await BENCHES[name](bench, runs)
        tasks.cancel_scope.cancel()
    await bench.launcher.close(dismiss=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(BENCHES))
    parser.add_argument("--runs", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "flows.py").write_text(FLOWS)
        anyio.run(run, options.names or list(BENCHES), options.runs, Path(folder))


if __name__ == "__main__":
    main()
