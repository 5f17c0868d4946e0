"""The Launcher port over containers: what a process is promised, a container is promised, too (execution/containers)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import docker
import pytest

from flowhand.deployments import DeploymentImage
from flowhand.execution.containers.box import KEY_LABEL
from flowhand.execution.containers.launcher import DockerLauncher
from flowhand.execution.launcher import Channel, StopReason
from flowhand.execution.process import ProcessLauncher
from flowhand.wire.job import Job
from support.docker_engine import Engine
from support.following import Following, eventually
from support.jobs import key, make_container, make_job

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]  # the first to come waits for the engine

FLOWS = """
import os, signal, sys, time
from flowhand import flow

@flow
def returns(x: int):
    print("out", x, os.getcwd(), os.environ["GIVEN"])
    print("err", file=sys.stderr)
    return x + 1

@flow
def sleeps():
    print("asleep", flush=True)
    time.sleep(100)

@flow
def stubborn():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("asleep", flush=True)
    time.sleep(100)

@flow
def greedy():
    print(len(b"x" * (1 << 30)))  # not zeros, which some kernels give back

@flow
def talks():
    print("x" * 200_000)
"""


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image with flows in it, as `deploy` makes it."""
    folder = tmp_path_factory.mktemp("boxed")
    (folder / "flows.py").write_text(FLOWS)
    made = DeploymentImage("tests/boxed", "1", pull=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DOCKER_HOST", engine.host)
        patch.setenv("FLOWHAND_BASE_IMAGE", engine.base)
        made.build()
    return made.reference


@pytest.fixture
def client(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[docker.DockerClient]:
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    with contextmanager(_closing)(engine.client()) as client:
        yield client


def _closing(client: docker.DockerClient) -> Iterator[docker.DockerClient]:
    yield client
    client.close()


@asynccontextmanager
async def following(instance: Path) -> AsyncGenerator[Following]:
    """A launcher of that instance, followed; afterwards nothing of it is left."""
    launcher = DockerLauncher(ProcessLauncher(instance, {**os.environ}, grace_s=1.0), instance)
    run = Following(launcher, await launcher.open())
    async with anyio.create_task_group() as group:
        group.start_soon(run.follow)
        yield run
        group.cancel_scope.cancel()
    await launcher.close(dismiss=True)


def boxed(instance: Path, image: str, flow: str, **changes: Any) -> Job:
    """A job that is a flow of the image, in a container without a network."""
    changes_of_container = changes.pop("container", {})
    job = make_job(instance, entrypoint=f"flows.py:{flow}", directory=".", **changes)
    about = {
        "image": image,
        "command": ["flowhand", "flow-run", "execute"],
        "name": f"tested-{job['run_id'][:8]}",
        "env": {"GIVEN": "given", "FLOWHAND__FLOW_RUN_ID": job["run_id"]},
        "labels": {"mine": "yes"},
    }
    job["container"] = make_container(**(about | changes_of_container))
    return job


def containers(client: docker.DockerClient, job: Job) -> list[Any]:
    return client.containers.list(all=True, filters={"label": f"{KEY_LABEL}={key(job)}"})


async def test_a_run_leaves_its_frames_its_output_and_a_clean_exit(tmp_path: Path, image: str, client: docker.DockerClient) -> None:
    """In a container without a network: its folder, its environment; afterwards container and folder are gone."""
    async with following(tmp_path) as run:
        job = boxed(tmp_path, image, "returns", parameters={"x": 1})
        await run.launcher.start(job)
        ended = await run.ended(key(job))
        assert (ended.code, ended.signal, ended.stopped, ended.killed) == (0, None, None, False), await run.text_of(
            key(job), Channel.STDERR
        )
        frames = await run.frames(key(job))
        assert [frame["k"] for frame in frames] == ["running", "end", "container"]
        assert frames[-2]["type"] == "COMPLETED"
        assert (await run.text_of(key(job))).split()[:2] == ["out", "1"]
        assert (await run.text_of(key(job))).split()[3] == "given"
        assert await run.text_of(key(job), Channel.STDERR) == "err\n"
        assert containers(client, job) == []
        await run.launcher.forget(key(job))
        assert list((tmp_path / "containers").iterdir()) == []


def _weight(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


async def test_a_stop_is_told_asked_and_attributed(tmp_path: Path, image: str, client: docker.DockerClient) -> None:
    """The flow is told why, and says itself that it was cancelled."""
    async with following(tmp_path) as run:
        job = boxed(tmp_path, image, "sleeps")
        started = await run.launcher.start(job)
        await run.printed(key(job), "asleep")
        (container,) = containers(client, job)
        assert container.labels["mine"] == "yes"
        weight = container.attrs["HostConfig"]["OomScoreAdj"]
        assert weight > _weight(started.pid) == _weight(os.getpid()), "the container goes for memory, not who stands for it"
        await run.launcher.stop(key(job), StopReason.CANCEL, 20)
        ended = await run.ended(key(job))
        assert (ended.stopped, ended.killed) == (StopReason.CANCEL, False)
        assert (await run.frames(key(job)))[-2]["type"] == "CANCELLED"
        assert containers(client, job) == []


async def test_who_does_not_listen_is_killed_after_the_grace(tmp_path: Path, image: str, client: docker.DockerClient) -> None:
    """With its container: when the end is told, nothing of the attempt is left."""
    async with following(tmp_path) as run:
        job = boxed(tmp_path, image, "stubborn", container={"auto_remove": False})
        await run.launcher.start(job)
        await run.printed(key(job), "asleep")
        await run.launcher.stop(key(job), StopReason.DRAIN, 0.2)
        ended = await run.ended(key(job))
        assert (ended.signal, ended.stopped, ended.killed) == (9, StopReason.DRAIN, True)
        assert containers(client, job) == []


async def test_a_lease_that_is_over_ends_the_container(tmp_path: Path, image: str, client: docker.DockerClient) -> None:
    """The deadline of the keeper holds for what is in the container."""
    async with following(tmp_path) as run:
        job = boxed(tmp_path, image, "sleeps")
        await run.launcher.start(job)
        await run.printed(key(job), "asleep")
        await run.launcher.extend({key(job): time.clock_gettime(time.CLOCK_BOOTTIME) + 0.1})
        assert (await run.ended(key(job))).stopped == StopReason.LEASE
        assert containers(client, job) == []


async def test_a_container_dies_with_its_program(tmp_path: Path, image: str, client: docker.DockerClient) -> None:
    """Also when no daemon is there to look for it: its channel has ended."""
    async with following(tmp_path) as run:
        job = boxed(tmp_path, image, "stubborn", container={"auto_remove": False})
        started = await run.launcher.start(job)
        await run.printed(key(job), "asleep")
        (container,) = containers(client, job)
        run.launcher._folder(key(job)).finish()  # so that nobody looks for it
        os.kill(started.pid, signal.SIGKILL)
        await run.ended(key(job))

        def gone() -> bool:
            container.reload()
            return container.status == "exited"

        await eventually(gone, what="the container's end")
        container.remove(force=True)


async def test_what_is_forgotten_while_it_lives_leaves_no_container(tmp_path: Path, image: str, client: docker.DockerClient) -> None:
    """Its end is not told, so nobody else would look for it."""
    async with following(tmp_path) as run:
        job = boxed(tmp_path, image, "stubborn", container={"auto_remove": False})
        await run.launcher.start(job)
        await run.printed(key(job), "asleep")
        await run.launcher.forget(key(job))
        assert containers(client, job) == []
        assert list((tmp_path / "containers").iterdir()) == []


async def test_what_a_daemon_left_behind_is_ended(tmp_path: Path, image: str, client: docker.DockerClient) -> None:
    """A new launcher adopts what runs, with all it said, and ends containers of attempts that are not held any more."""
    async with following(tmp_path) as run:
        job = boxed(tmp_path, image, "sleeps")
        await run.launcher.start(job)
        await run.printed(key(job), "asleep")
        lost = client.containers.run(image, ["sleep", "100"], detach=True, labels={KEY_LABEL: "lost.1"}, network_mode="none")
        (tmp_path / "containers" / "lost.1" / "shared").mkdir(parents=True)
        await run.launcher.close(dismiss=False)
        async with following(tmp_path) as again:
            assert again.held[key(job)].exit is None
            assert client.containers.list(all=True, filters={"id": lost.id}) == []
            await again.launcher.stop(key(job), StopReason.CANCEL, 20)
            assert (await again.ended(key(job))).stopped == StopReason.CANCEL


async def test_want_of_memory_is_told(tmp_path: Path, image: str, client: docker.DockerClient) -> None:
    """A container that the kernel killed at its limit ends by SIGKILL, and the program says why."""
    async with following(tmp_path) as run:
        job = boxed(tmp_path, image, "greedy", container={"mem_limit": "120m", "memswap_limit": "120m"})
        await run.launcher.start(job)
        ended = await run.ended(key(job))
        assert ended.signal == 9, (ended, await run.text_of(key(job), Channel.STDERR))
        assert (await run.frames(key(job)))[-1]["message"] == "Out of memory: the kernel killed the container at its limit of 120 MiB."


@pytest.mark.parametrize(
    ("container", "said"),
    [
        ({"image": "127.0.0.1:1/no/such:1"}, "The container of image '127.0.0.1:1/no/such:1' cannot be made: "),
        ({"image": "no/such:1", "image_pull_policy": "Never"}, "No such image: no/such:1"),
        ({"networks": ["nowhere"], "network_mode": None}, "network nowhere not found"),
    ],
)
async def test_a_container_that_cannot_be_made(
    tmp_path: Path, image: str, client: docker.DockerClient, container: dict[str, Any], said: str
) -> None:
    """The engine's words are the run's last ones."""
    async with following(tmp_path) as run:
        job = boxed(tmp_path, image, "returns", container=container)
        await run.launcher.start(job)
        assert (await run.ended(key(job))).code == 1
        (word,) = await run.frames(key(job))
        assert (word["k"], word["type"]) == ("end", "CRASHED")
        assert said in word["message"]


async def test_long_words_come_whole(tmp_path: Path, image: str, client: docker.DockerClient) -> None:
    """What is longer than a packet arrives as one."""
    async with following(tmp_path) as run:
        job = boxed(tmp_path, image, "talks")
        await run.launcher.start(job)
        assert (await run.ended(key(job))).code == 0
        assert len(await run.text_of(key(job))) == 200_001
