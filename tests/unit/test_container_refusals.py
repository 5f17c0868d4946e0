"""Containers at an engine that refuses, hangs up, or has lost them: no traceback, none left behind, and the run's end stays as it was."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from flowhand.errors import EngineUnavailable
from flowhand.execution.containers.box import KEY_LABEL
from flowhand.execution.containers.launcher import DockerLauncher
from flowhand.execution.containers.sweeping import sweep_containers
from flowhand.execution.launcher import Event, Exit, Exited, Sizes, Vanished
from flowhand.execution.process import ProcessLauncher
from flowhand.keeper import linux
from support.following import eventually
from support.refusing_engine import HANG_UP, ID, RefusingEngine, refusing_engine

REMOVAL = f"DELETE /containers/{ID}"
WAIT = f"POST /containers/{ID}/wait"
KEY = "run.1"


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[RefusingEngine]:
    with tempfile.TemporaryDirectory() as folder, refusing_engine(Path(folder)) as engine:  # a socket's path is short
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        engine.labels = {KEY_LABEL: KEY}
        yield engine


class _Ending(ProcessLauncher):
    """Has one attempt, of which nothing is left, and no other news after its end."""

    def __init__(self, directory: Path, end: Event) -> None:
        super().__init__(directory, {})
        self._end = end

    async def events(self) -> AsyncIterator[Any]:
        yield self._end
        await anyio.sleep_forever()


EXITED = Exited(KEY, Exit(None, 9, Sizes(), 0.1, 1, 1.0))
VANISHED = Vanished([KEY], "its keeper was killed")


async def told(directory: Path, end: Event) -> AsyncGenerator[Event]:
    """What a launcher tells of an attempt in a container that its processes say has ended so."""
    (directory / "containers" / KEY).mkdir(parents=True, exist_ok=True)
    async with aclosing(DockerLauncher(_Ending(directory, end), directory).events()) as events:
        async for event in events:
            yield event


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("call", "status", "said"),
    [
        (REMOVAL, 404, []),
        (REMOVAL, 409, []),
        (REMOVAL, 500, ["A container could not be ended"]),
        (REMOVAL, HANG_UP, ["Containers could not be looked for"]),
        ("GET /containers/json", 500, ["Containers could not be looked for"]),
        (f"GET /containers/{ID}/json", 404, []),
        ("GET /_ping", HANG_UP, ["Containers could not be looked for"]),
    ],
)
async def test_an_end_is_told_whatever_the_engine_says(
    tmp_path: Path, refusing: RefusingEngine, call: str, status: int, said: list[str]
) -> None:
    """The stream of events goes on; what could not be done is in the log."""
    refusing.refusals[call] = status
    with capture_logs() as logs, anyio.fail_after(20):
        async with aclosing(told(tmp_path, EXITED)) as events:
            assert await anext(events) == EXITED
    assert call in refusing.asked
    assert [line["event"] for line in logs if "could not" in line["event"]] == said


@pytest.mark.anyio
@pytest.mark.parametrize("call", [REMOVAL, "GET /_ping", "GET /containers/json"])
async def test_no_attempt_vanishes_whose_container_may_live(tmp_path: Path, refusing: RefusingEngine, call: str) -> None:
    """Under `retry` it would be begun again beside it. The container is ended as soon as the engine does it, and then that is told."""
    refusing.refusals[call] = 500
    async with aclosing(told(tmp_path, VANISHED)) as events:
        with anyio.fail_after(20):
            assert await anext(events) == Vanished([], VANISHED.why)
            following = asyncio.ensure_future(anext(events))
            await eventually(lambda: refusing.asked.count(call) >= 3)
            assert not following.done()
            refusing.refusals.clear()
            assert await following == VANISHED
    assert (tmp_path / "containers" / KEY / "done").exists()


def dead_instance(home: Path, *, finished: bool = False) -> Path:
    """An instance that had a container, and whose daemon and keeper are gone."""
    folder = home / "instances" / "one" / "containers" / KEY
    folder.mkdir(parents=True)
    stamp = {"boot_id": linux.boot_id(), "pid_ns": linux.pid_namespace()}
    (folder.parents[1] / "stamp.json").write_text(json.dumps(stamp))
    if finished:
        (folder / "done").touch()
    return folder


@pytest.mark.parametrize("status", [404, 409])
def test_a_sweep_is_content_with_what_has_gone(tmp_path: Path, refusing: RefusingEngine, status: int) -> None:
    """Somebody else removed the container between the list and the removal."""
    dead_instance(tmp_path)
    refusing.refusals[REMOVAL] = status
    assert sweep_containers(tmp_path) == [KEY]


def test_a_sweep_says_what_is_refused(tmp_path: Path, refusing: RefusingEngine) -> None:
    """In a line."""
    dead_instance(tmp_path)
    refusing.refusals[REMOVAL] = 500
    with pytest.raises(EngineUnavailable, match=f"container boxed cannot be removed: refused {REMOVAL}"):
        sweep_containers(tmp_path)


@pytest.mark.parametrize(("status", "finished", "swept"), [("created", True, [KEY]), ("exited", False, [KEY]), ("exited", True, [])])
def test_a_sweep_takes_what_does_not_run_either(
    tmp_path: Path, refusing: RefusingEngine, status: str, finished: bool, swept: list[str]
) -> None:
    """But not a container that ended under somebody's eyes, and was to be kept."""
    dead_instance(tmp_path, finished=finished)
    refusing.status = status
    assert sweep_containers(tmp_path) == swept
    assert (REMOVAL in refusing.asked) == bool(swept)


def stand_for(folder: Path, refusing: RefusingEngine, **changes: Any) -> tuple[int, str, str]:
    """The program that stands for a container: its exit code, its stderr, and its word to the keeper."""
    (folder / "shared").mkdir(parents=True)
    about = dict.fromkeys(("image_pull_policy", "registry_credentials", "network_mode", "mem_limit", "memswap_limit"))
    about |= {"image": "boxed:1", "command": ["work"], "name": "boxed", "env": {}, "labels": {}, "networks": [], "volumes": []}
    (folder / "container.json").write_text(json.dumps({**about, "privileged": False, "auto_remove": True, **changes}))
    keeper, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with keeper, ours:
        os.set_inheritable(ours.fileno(), True)
        command = f'exec "$0" -P -m flowhand.execution.containers "$1" 3<&{ours.fileno()}'
        done = subprocess.run(
            ["bash", "-c", command, sys.executable, str(folder)],
            env={**os.environ, "DOCKER_HOST": refusing.host},
            close_fds=False,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        fcntl.fcntl(keeper, fcntl.F_SETFL, os.O_NONBLOCK)
        try:
            word = keeper.recv(10_000).decode()
        except BlockingIOError:
            word = ""
    return done.returncode, done.stderr, word


def test_a_container_that_gets_no_second_network_is_removed(tmp_path: Path, refusing: RefusingEngine) -> None:
    """It was made already."""
    refusing.refusals["POST /networks/second/connect"] = 403
    code, stderr, word = stand_for(tmp_path / KEY, refusing, networks=["first", "second"])
    assert (code, "refused POST /networks/second/connect" in word) == (1, True), stderr
    assert refusing.asked[-1] == REMOVAL


@pytest.mark.parametrize("call", ["GET /images/boxed:1/json", "POST /containers/create", f"POST /containers/{ID}/start"])
def test_an_engine_that_hangs_up_is_told_of_in_words(tmp_path: Path, refusing: RefusingEngine, call: str) -> None:
    """As the run's end; and whoever hears of that looks for the container, which may be there."""
    refusing.refusals[call] = HANG_UP
    code, stderr, word = stand_for(tmp_path / KEY, refusing)
    assert (code, "he container engine does not answer" in word, "Traceback" in stderr) == (1, True, False), stderr
    assert not (tmp_path / KEY / "done").exists()


def test_an_engine_that_comes_back_is_asked_again(tmp_path: Path, refusing: RefusingEngine) -> None:
    """For the end of what it had started; the run's log says that it was waited for."""
    refusing.code, refusing.refusals[WAIT] = 3, HANG_UP
    refusing.relents[WAIT] = 3
    code, stderr, word = stand_for(tmp_path / KEY, refusing)
    assert (code, "status code 3" in word, stderr.count("answers again") >= 1) == (3, True, True), stderr


@pytest.mark.parametrize(("status", "told"), [(404, False), (409, False), (500, True), (HANG_UP, True)])
def test_a_removal_that_fails_does_not_change_the_end(tmp_path: Path, refusing: RefusingEngine, status: int, told: bool) -> None:
    """The exit code is the container's; stderr says what is left."""
    refusing.refusals[REMOVAL] = status
    refusing.code = 3
    code, stderr, word = stand_for(tmp_path / KEY, refusing)
    assert (code, "status code 3" in word, "container boxed " in stderr) == (3, True, told), stderr
