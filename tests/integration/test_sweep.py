"""Strays of dead instances are found by their mark and ended; nobody else's are touched."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from flowhand.execution import sweep
from flowhand.keeper import linux, tree
from support.following import alive

KTHREADD: Final = 2


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    """An instance of a home, last held on this boot by a process that is gone."""
    directory = tmp_path / "instances" / "worker-pool-0123"
    directory.mkdir(parents=True)
    (directory / "lock").touch()
    stamp(directory, linux.boot_id(), linux.pid_namespace())
    return directory


def stamp(directory: Path, boot_id: str, pid_ns: str) -> None:
    (directory / "stamp.json").write_text(json.dumps({"boot_id": boot_id, "pid_ns": pid_ns}))


@contextmanager
def marked(mark: str, script: str = "exec sleep 60") -> Generator[subprocess.Popen[bytes]]:
    """A process with that mark; killed in the end."""
    process = subprocess.Popen(["/bin/sh", "-c", f"echo; {script}"], env={**os.environ, "FLOWHAND__MARK": mark}, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_strays_of_a_dead_instance_are_ended(tmp_path: Path, instance: Path) -> None:
    with marked(sweep.mark_of(instance, "r.1")) as stray:
        done = sweep.sweep(tmp_path)
        assert [one.process.pid for one in done.ended] == [stray.pid]
        assert done.survivors == []
        assert stray.wait(5) == -signal.SIGKILL


def test_a_mark_padded_in_place_is_the_same_mark(tmp_path: Path, instance: Path) -> None:
    with marked(sweep.mark_of(instance, "r.1").ljust(200)) as stray:
        assert [one.process.pid for one in sweep.sweep(tmp_path).ended] == [stray.pid]


def test_strays_of_another_instance_and_processes_without_a_mark_are_not_touched(tmp_path: Path, instance: Path) -> None:
    with marked(sweep.mark_of(instance.with_name("other"), "r.1")) as other, marked("") as unmarked:
        assert sweep.sweep(tmp_path) == sweep.Sweep()
        assert alive(other.pid)
        assert alive(unmarked.pid)


@pytest.mark.parametrize(("boot_id", "pid_ns"), [("another boot", None), (None, "pid:[1]")])
def test_an_instance_of_another_boot_or_namespace_is_no_business_of_ours(
    tmp_path: Path, instance: Path, boot_id: str | None, pid_ns: str | None
) -> None:
    stamp(instance, boot_id or linux.boot_id(), pid_ns or linux.pid_namespace())
    with marked(sweep.mark_of(instance, "r.1")) as process:
        assert sweep.sweep(tmp_path).ended == []
        assert alive(process.pid)


def test_an_instance_whose_daemon_lives_is_left_alone(tmp_path: Path, instance: Path) -> None:
    with marked(sweep.mark_of(instance, "r.1")) as process, (instance / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert sweep.sweep(tmp_path) == sweep.Sweep()
        assert alive(process.pid)


def test_an_instance_whose_keeper_goes_on_alone_is_reported(tmp_path: Path, instance: Path) -> None:
    with marked(sweep.mark_of(instance, "r.1")) as process, (instance / "keeper.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert sweep.sweep(tmp_path).unattended == [instance]
        assert alive(process.pid)


FORKS = r"""
import os, time
for generation in range(60):
    if generation == 5: os.write(1, b"on\n")
    if os.fork(): os._exit(0)
    time.sleep(.001)
time.sleep(60)
"""


@pytest.mark.parametrize("time_round", range(5))
def test_strays_that_fork_while_they_are_swept_are_all_ended(instance: Path, time_round: int) -> None:
    """Also those whose parent ended between being listed and being read: the pipe that all of them hold comes to its end."""
    mark = sweep.mark_of(instance, f"r.{time_round}")
    with marked(mark, f"exec {sys.executable} -Sc '{FORKS}'") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"
        assert sweep.end_marked(lambda found: found == mark).survivors == []
        assert process.communicate(timeout=30) == (b"", None)


def test_a_look_that_did_not_settle_is_repeated_after_a_pause() -> None:
    """Somebody ends under each of three looks: what sweeps gives up the processor before the next one, and looks until nobody does."""
    zombies: list[int] = []
    waits: list[int] = []

    def look(mark: str) -> bool:
        if mark == "r.unsettled" and len(zombies) < 3:
            waits.append(waits_so_far())
            zombies.append(ended())
            waits.append(waits_so_far())
        return False

    with marked("r.unsettled"):
        try:
            assert sweep.strays(look, wait_s=30) == []
        finally:
            for pid in zombies:
                os.waitpid(pid, 0)
    assert len(zombies) == 3
    assert all(before < behind for before, behind in zip(waits[1::2], waits[2::2], strict=False))


def waits_so_far() -> int:
    """How often this thread has given up the processor by itself."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def ended() -> int:
    """The pid of a child that has ended and is not reaped."""
    pid = os.posix_spawn("/bin/true", ["true"], os.environ)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


def test_threads_of_the_kernel_are_foreign() -> None:
    """They never have a mark, so none of them can have ended with one."""
    threads = [process.pid for process in tree.everyone().values() if process.parent == KTHREADD]
    if tree.look(KTHREADD) is None or Path(f"/proc/{KTHREADD}/comm").read_text() != "kthreadd\n":
        pytest.skip("this pid namespace shows no thread of the kernel")
    assert threads
    assert [pid for pid in (KTHREADD, *threads) if not tree.foreign(pid) and tree.look(pid)] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_processes_of_another_user_are_foreign_to_all_but_root() -> None:
    """One's own are not, nor is what has gone: it may have left a child."""
    asked = os.getpid()
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        os._exit(0 if tree.foreign(asked) and not tree.foreign(os.getpid()) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not tree.foreign(asked)
    assert not tree.foreign(child)


def test_a_home_without_instances_is_swept_in_no_time(tmp_path: Path) -> None:
    assert sweep.sweep(tmp_path) == sweep.Sweep()
