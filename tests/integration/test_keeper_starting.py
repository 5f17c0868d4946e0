"""How a run begins: forked from the warm image where that is as good as a fresh interpreter, executed afresh where it is not."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from flowhand.errors import LaunchError
from flowhand.wire.job import Job
from support.following import alive, environ_of, eventually, following, keeper_pid
from support.jobs import key, make_job, shell

pytestmark = pytest.mark.anyio

FLOW = "from flowhand import flow\n@flow\ndef main():\n    print({})\n"


def a_flow(instance: Path, expression: str, head: str = "", **changes: object) -> Job:
    (instance / "flows.py").write_text(head + FLOW.format(expression))
    return make_job(instance, entrypoint="flows.py:main", **changes)


async def output_of(instance: Path, job: Job) -> tuple[str | None, str]:
    """Why it was spawned, and what it printed."""
    async with following(instance) as run:
        started = await run.launcher.start(job)
        ended = await run.ended(key(job))
        assert ended.code == 0, await run.frames(key(job))
        return started.spawned, (await run.text_of(key(job))).strip()


async def test_a_flow_is_forked_and_imports_no_module_but_its_own(tmp_path: Path) -> None:
    job = a_flow(tmp_path, "sorted(set(sys.modules) - before)", "import sys\nbefore = set(sys.modules)\n")
    assert await output_of(tmp_path, job) == (None, "[]")


async def test_a_forked_flow_has_no_descriptor_but_its_own(tmp_path: Path) -> None:
    job = a_flow(tmp_path, "sorted(int(fd) for fd in os.listdir('/proc/self/fd'))[:-1]", "import os\n")
    assert await output_of(tmp_path, job) == (None, "[0, 1, 2, 3]")


async def test_a_forked_flow_has_the_signals_of_a_fresh_interpreter_and_an_empty_mask(tmp_path: Path) -> None:
    wanted = "signal.pthread_sigmask(0, []), signal.getsignal(17).name, signal.getsignal(2).__name__, signal.set_wakeup_fd(-1)"
    assert (await output_of(tmp_path, a_flow(tmp_path, wanted, "import signal\n")))[1] == "set() SIG_DFL default_int_handler -1"


async def test_a_forked_flow_does_not_see_the_keeper(tmp_path: Path) -> None:
    head = "import sys, gc\n"
    wanted = "sys.argv, getattr(sys.modules['__main__'], '__file__', None), gc.isenabled()"
    assert (await output_of(tmp_path, a_flow(tmp_path, wanted, head)))[1] == "['flowhand'] None True"


async def test_the_time_zone_of_a_job_counts_in_a_fork(tmp_path: Path) -> None:
    job = a_flow(tmp_path, "time.tzname[0], os.environ['TZ']", "import os, time\n", env={"TZ": "Asia/Tokyo"})
    assert await output_of(tmp_path, job) == (None, "JST Asia/Tokyo")


async def test_variables_are_laid_over_the_keeper_s_and_may_be_taken_away(tmp_path: Path) -> None:
    job = shell(tmp_path, "echo $COLOUR ${HOME:-homeless}", env={"COLOUR": "red", "HOME": None})
    assert (await output_of(tmp_path, job))[1] == "red homeless"


async def test_credentials_of_the_api_are_not_inherited(tmp_path: Path) -> None:
    async with following(tmp_path, environ={"PATH": "/bin:/usr/bin", "FLOWHAND_API_KEY": "k", "PREFECT_API_AUTH_STRING": "u:p"}) as run:
        job = shell(tmp_path, "env")
        await run.launcher.start(job)
        await run.ended(key(job))
        printed = await run.text_of(key(job))
        assert "PATH=" in printed
        assert "FLOWHAND_API_KEY" not in printed
        assert "PREFECT_API_AUTH_STRING" not in printed
        assert b"u:p" not in environ_of(keeper_pid(tmp_path))


@pytest.mark.parametrize("name", ["PYTHONHASHSEED", "LD_PRELOAD_NOT", "MALLOC_ARENA_MAX", "LC_ALL", "LANG"])
async def test_what_an_interpreter_reads_at_its_start_asks_for_a_fresh_one(tmp_path: Path, name: str) -> None:
    value = "POSIX" if name.startswith("L") else "1"
    why, printed = await output_of(tmp_path, a_flow(tmp_path, f"os.environ[{name!r}]", "import os\n", env={name: value}))
    assert why is not None
    assert name in why
    assert printed == value


async def test_a_checkout_that_replaces_a_loaded_module_asks_for_a_fresh_interpreter(tmp_path: Path) -> None:
    (tmp_path / "statistics.py").write_text("ours = True\n")
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "__init__.py").write_text("from importlib import import_module\n")
    async with following(tmp_path) as run:
        started = await run.launcher.start(a_flow(tmp_path, "1"))
        assert started.spawned is not None
        assert f"json in {tmp_path} replaces" in started.spawned


async def test_a_folder_that_is_no_package_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "json").mkdir()
    why, _ = await output_of(tmp_path, a_flow(tmp_path, "1"))
    assert why is None


async def test_another_interpreter_is_executed(tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.symlink_to(sys.executable)
    job = a_flow(tmp_path, "1", python=str(other), env={"PYTHONPATH": ":".join(path for path in sys.path if path)})
    async with following(tmp_path) as run:
        started = await run.launcher.start(job)
        assert started.spawned == f"it has its own interpreter, {other}"


async def test_the_daemon_s_own_interpreter_is_no_reason_to_spawn(tmp_path: Path) -> None:
    why, _ = await output_of(tmp_path, a_flow(tmp_path, "1", python=sys.executable))
    assert why is None


async def test_a_command_gets_its_job_and_runs_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    job = shell(tmp_path, 'pwd; grep -c "\\"run_id\\"" "$FLOWHAND__JOB"', directory=str(tmp_path / "code"))
    assert await output_of(tmp_path, job) == ("it has its own command", f"{tmp_path / 'code'}\n1")


async def test_a_command_of_the_checkout_is_found_there(tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text("#!/bin/sh\necho from the checkout\n")
    script.chmod(0o755)
    assert (await output_of(tmp_path, make_job(tmp_path, command=["./run.sh"])))[1] == "from the checkout"


async def test_a_command_that_cannot_be_executed_says_so(tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    async with following(tmp_path) as run:
        job = make_job(tmp_path, command=["./run.sh"])
        await run.launcher.start(job)
        assert (await run.ended(key(job))).code == 127


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"python": "/no/such/python"}, "/no/such/python"),
        ({"run_id": "../../etc/passwd"}, "cannot name files"),
    ],
)
async def test_what_cannot_be_started_is_refused_in_words(tmp_path: Path, changes: dict[str, str], why: str) -> None:
    async with following(tmp_path) as run:
        with pytest.raises(LaunchError, match=why):
            await run.launcher.start(make_job(tmp_path, **changes))


async def test_an_instance_with_a_long_path_works(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-folder-with-a-rather-long-name"] * 6)
    deep.mkdir(parents=True)
    assert (await output_of(deep, shell(deep, "echo deep")))[1] == "deep"


async def test_what_runs_load_again_and_again_is_in_the_image_of_the_next(tmp_path: Path) -> None:
    """pydantic is no part of the first image; a run that used it is seen, and those after it find it there."""
    (tmp_path / "flows.py").write_text("import sys\nbefore = 'pydantic' in sys.modules\nimport pydantic\n" + FLOW.format("before"))
    found: list[str] = []
    async with following(tmp_path) as run:
        for _ in range(2):
            job = make_job(tmp_path, entrypoint="flows.py:main")
            await run.launcher.start(job)
            await run.ended(key(job))
            found.append((await run.text_of(key(job))).strip())
    assert found == ["False", "True"]


async def test_a_fork_is_a_process_of_its_own_to_threading_and_random(tmp_path: Path) -> None:
    """The hooks that the keeper's forks do without leave nothing wrong: other random numbers in each run, the thread's own id."""
    (tmp_path / "flows.py").write_text(
        "import random, threading\n" + FLOW.format("random.random(), threading.main_thread().native_id == threading.get_native_id()")
    )
    said: set[str] = set()
    async with following(tmp_path) as run:
        for _ in range(2):
            job = make_job(tmp_path, entrypoint="flows.py:main")
            await run.launcher.start(job)
            await run.ended(key(job))
            said.add((await run.text_of(key(job))).strip())
    assert len(said) == 2
    assert all(line.endswith(" True") for line in said)


async def test_a_process_that_a_flow_forks_can_log_although_another_thread_was_logging(tmp_path: Path) -> None:
    """The hooks of logging are there for the run's own forks: a handler's lock is free in the child."""
    (tmp_path / "flows.py").write_text(
        "import logging, os, threading\nfrom flowhand import flow\n"
        "@flow\ndef main():\n"
        "    handler, held, go = logging.StreamHandler(), threading.Event(), threading.Event()\n"
        "    def hold():\n"
        "        with handler.lock:\n"
        "            held.set(); go.wait()\n"
        "    threading.Thread(target=hold).start(); held.wait()\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        handler.acquire(); os._exit(7)\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])); go.set()\n"
    )
    job = make_job(tmp_path, entrypoint="flows.py:main")
    assert await output_of(tmp_path, job) == (None, "7")


async def test_a_run_begins_in_a_child_that_was_waiting(tmp_path: Path) -> None:
    """The process is there before it is asked for; the next one is made as soon as it is taken."""
    async with following(tmp_path) as run:
        for _ in range(2):
            waiting = await eventually(lambda: waiting_children(tmp_path), what="a waiting child")
            job = a_flow(tmp_path, "os.getpid()", "import os\n")
            started = await run.launcher.start(job)
            await run.ended(key(job))
            assert [str(started.pid)] == (await run.text_of(key(job))).split()
            assert started.pid in waiting


async def test_a_waiting_child_that_was_killed_is_not_missed(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        for pid in await eventually(lambda: waiting_children(tmp_path), what="a waiting child"):
            os.kill(pid, signal.SIGKILL)
            await eventually(lambda pid=pid: not alive(pid))
        job = a_flow(tmp_path, "'here'")
        await run.launcher.start(job)
        assert (await run.ended(key(job))).code == 0


async def test_a_job_longer_than_a_message_is_handed_over_by_a_fork(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        await eventually(lambda: waiting_children(tmp_path), what="a waiting child")
        (tmp_path / "flows.py").write_text("from flowhand import flow\n@flow\ndef main(text: str):\n    print(len(text))\n")
        job = make_job(tmp_path, entrypoint="flows.py:main", parameters={"text": "x" * 200_000})
        await run.launcher.start(job)
        await run.ended(key(job))
        assert (await run.text_of(key(job))).strip() == "200000"


def waiting_children(instance: Path) -> list[int]:
    """Children of the keeper that have made a session of their own, which is the first thing a newborn does."""
    children = psutil.Process(keeper_pid(instance)).children()
    return [child.pid for child in children if child.is_running() and os.getsid(child.pid) == child.pid]
