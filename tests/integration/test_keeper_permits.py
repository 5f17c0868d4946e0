"""Revoking a run that is about to begin: it begins or it does not, and nothing is stopped in between."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from flowhand.execution.launcher import StopReason
from flowhand.failpoints import HELD, VARIABLE
from flowhand.wire.job import NOT_BEGUN, Job
from support.following import eventually, following, names_in
from support.jobs import key, make_job

pytestmark = pytest.mark.anyio

FLOW = """
import os, signal, time
from flowhand import flow

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM] if {deaf} else [])
print("loading", flush=True)
while not os.path.exists("go"):
    time.sleep(0.005)

@flow
def main():
    print("the first line", flush=True)
    os.unlink("go")
    print("the last line", flush=True)
"""


async def test_a_run_that_begins_is_not_revoked_before_it_could_say_so(tmp_path: Path) -> None:
    """It has taken its permit and has not told anybody: the revocation passes it by."""
    points = tmp_path / "points"
    points.mkdir()
    (tmp_path / "flows.py").write_text(FLOW.format(deaf=False))
    (tmp_path / "go").touch()
    job = make_job(tmp_path, entrypoint="flows.py:main")
    async with following(tmp_path, environ={**os.environ, VARIABLE: str(points)}) as run:
        (points / "beginning").touch()  # not before: the keeper itself passes there as it warms up
        await run.launcher.start(job)
        held = points / f"beginning{HELD}"
        await eventually(lambda: held.exists() and held.read_text())
        assert not run.launcher.unbegun(key(job))
        await run.launcher.stop(key(job), StopReason.REVOKED, 5.0)
        held.unlink()
        ended = await run.ended(key(job))
        assert (ended.code, ended.stopped) == (0, None)
        assert (await run.frames(key(job)))[-1]["type"] == "COMPLETED"


async def test_a_run_that_is_revoked_does_not_begin_however_long_it_loads(tmp_path: Path) -> None:
    """Its flow's file does not hear SIGTERM; it leaves when it would have begun, and says that it has not."""
    (tmp_path / "flows.py").write_text(FLOW.format(deaf=True))
    job = make_job(tmp_path, entrypoint="flows.py:main")
    async with following(tmp_path) as run:
        await run.launcher.start(job)
        await run.printed(key(job), "loading")
        assert run.launcher.unbegun(key(job))
        await run.launcher.stop(key(job), StopReason.REVOKED, 60.0)
        await run.launcher.stop(key(job), StopReason.REVOKED, 60.0)
        (tmp_path / "go").touch()
        ended = await run.ended(key(job))
        assert (ended.code, ended.stopped) == (NOT_BEGUN, StopReason.REVOKED)
        assert "first line" not in await run.text_of(key(job))
        assert [frame["k"] for frame in await run.frames(key(job)) if frame["k"] == "running"] == []


async def test_nothing_of_a_permit_is_left(tmp_path: Path) -> None:
    """Taken, it is no file any more; what is forgotten before it has begun leaves none either."""
    (tmp_path / "flows.py").write_text(FLOW.format(deaf=False))
    begins, waits = (make_job(tmp_path, entrypoint="flows.py:main") for _ in range(2))
    async with following(tmp_path) as run:
        await run.launcher.start(waits)
        await run.printed(key(waits), "loading")
        await run.launcher.stop(key(waits), StopReason.DRAIN, 0.0)
        assert (await run.ended(key(waits))).stopped is StopReason.DRAIN
        (tmp_path / "go").touch()
        await run.launcher.start(begins)
        assert (await run.ended(key(begins))).code == 0
        assert [name for name in names_in(tmp_path / "runs") if name.endswith(".permit")] == [f"{key(waits)}.permit"]
        await run.launcher.forget(key(waits))
        assert [name for name in names_in(tmp_path / "runs") if name.startswith(key(waits))] == []


async def test_a_permit_of_another_boot_says_nothing(tmp_path: Path) -> None:
    """A crash of the host may have brought it back."""
    async with following(tmp_path) as run:
        (tmp_path / "runs" / "a.1.permit").write_text('{"boot_id": "of another one"}')
        (tmp_path / "runs" / "b.1.permit").write_text('{"boot')
        assert not run.launcher.unbegun("a.1")
        assert not run.launcher.unbegun("b.1")


def _in_its_own_interpreter(folder: Path, *steps: dict[str, Any]) -> Job:
    """A job whose pull steps end in an environment of its own, after others."""
    code = folder / "code"
    code.mkdir()
    (code / "flows.py").write_text(FLOW.format(deaf=False))
    (code / "requirements.txt").touch()
    own = [{"set_working_directory": {"directory": str(code)}}, {"pip_install_requirements": {"directory": str(code)}}]
    return make_job(folder, entrypoint="flows.py:main", pull_steps=[*own, *steps])


async def test_a_run_that_loads_in_its_own_interpreter_can_still_be_revoked(tmp_path: Path) -> None:
    """It has given its permit up and has said so: that there is none does not mean that it has begun."""
    job = _in_its_own_interpreter(tmp_path)
    async with following(tmp_path, environ={**os.environ, "FLOWHAND_HOME": str(tmp_path / "home")}) as run:
        await run.launcher.start(job)
        await run.printed(key(job), "loading")
        await run.launcher.stop(key(job), StopReason.REVOKED, 60.0)
        assert (await run.ended(key(job))).stopped is StopReason.REVOKED
        assert [frame["k"] for frame in await run.frames(key(job)) if frame["k"] != "log"] == ["unpermitted"]


async def test_a_run_whose_permit_is_withdrawn_in_its_pull_steps_does_not_begin_in_another_interpreter(tmp_path: Path) -> None:
    """It leaves as one that has not begun, though it has heard no signal."""
    gate = tmp_path / "gate"
    job = _in_its_own_interpreter(tmp_path, {"run_shell_script": {"script": f"sh -c 'while [ ! -e {gate} ]; do sleep 0.01; done'"}})
    async with following(tmp_path, environ={**os.environ, "FLOWHAND_HOME": str(tmp_path / "home")}) as run:
        await run.launcher.start(job)
        (tmp_path / "runs" / f"{key(job)}.permit").unlink()
        gate.touch()
        assert (await run.ended(key(job))).code == NOT_BEGUN
        assert "loading" not in await run.text_of(key(job))


async def test_a_run_finds_its_permit_though_a_link_on_the_way_is_changed(tmp_path: Path) -> None:
    """It begins with the permit that it was given."""
    before, after, home = tmp_path / "before", tmp_path / "after", tmp_path / "home"
    (before / "instance").mkdir(parents=True)
    (after / "instance").mkdir(parents=True)
    home.symlink_to(before)
    (tmp_path / "flows.py").write_text(FLOW.format(deaf=False))
    job = make_job(home / "instance", entrypoint="flows.py:main", directory=str(tmp_path))
    async with following(home / "instance") as run:
        await run.launcher.start(job)
        await run.printed(key(job), "loading")
        home.unlink()
        home.symlink_to(after)
        (tmp_path / "go").touch()
        try:
            assert (await run.ended(key(job))).code == 0
        finally:
            home.unlink()
            home.symlink_to(before)
