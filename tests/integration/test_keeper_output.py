"""What runs write: by whom, how much and how ever they end, it is in their files and nowhere else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flowhand.execution.launcher import Channel
from support.following import eventually, following, keeper_pid, names_in
from support.jobs import key, make_job, python, shell

pytestmark = pytest.mark.anyio

MB = 1 << 20


async def test_a_flood_is_moved_whole_in_bounded_memory(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        await run.launcher.start(shell(tmp_path, "true"))
        before = psutil.Process(keeper_pid(tmp_path)).memory_info().rss
        job = shell(tmp_path, f"head -c {300 * MB} /dev/zero")
        await run.launcher.start(job)
        ended = await run.ended(key(job), within=60)
        assert ended.sizes.stdout == 300 * MB == (tmp_path / "runs" / f"{key(job)}.stdout").stat().st_size
        assert psutil.Process(keeper_pid(tmp_path)).memory_info().rss - before < 8 * MB


async def test_a_flood_does_not_hold_up_another_run(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        flood = shell(tmp_path, "exec cat /dev/zero")
        await run.launcher.start(flood)
        await eventually(lambda: any(one.key == key(flood) for one in run.progress))
        quiet = shell(tmp_path, "echo here")
        await run.launcher.start(quiet)
        assert (await run.ended(key(quiet), within=5)).sizes.stdout == 5


async def test_a_line_of_ten_megabytes_is_one_line(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        job = python(tmp_path, "print('x' * (10 << 20))")
        await run.launcher.start(job)
        await run.ended(key(job))
        assert await run.bytes_of(key(job)) == b"x" * (10 * MB) + b"\n"


async def test_output_of_c_code_and_of_subprocesses_is_taken(tmp_path: Path) -> None:
    script = """
import ctypes, subprocess, sys
libc = ctypes.CDLL(None)
libc.write(1, b"from C\\n", 7)
subprocess.run(["/bin/sh", "-c", "echo from a shell; echo aside >&2"])
"""
    async with following(tmp_path) as run:
        job = python(tmp_path, script)
        await run.launcher.start(job)
        await run.ended(key(job))
        assert await run.text_of(key(job)) == "from C\nfrom a shell\n"
        assert await run.text_of(key(job), Channel.STDERR) == "aside\n"


async def test_output_before_a_hard_exit_is_kept(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        job = python(tmp_path, "import os; print('last', flush=True); os._exit(7)")
        await run.launcher.start(job)
        assert (await run.ended(key(job))).code == 7
        assert await run.text_of(key(job)) == "last\n"


async def test_closed_descriptors_do_not_end_a_run(tmp_path: Path) -> None:
    script = f"import os, time; os.closerange(0, 99)\nwhile not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(.01)"
    async with following(tmp_path) as run:
        job = python(tmp_path, script)
        started = await run.launcher.start(job)
        await eventually(lambda: len(names_in(Path(f"/proc/{started.pid}/fd"))) < 2)
        assert key(job) not in run.exits
        (tmp_path / "go").touch()
        assert (await run.ended(key(job))).code == 0


async def test_a_process_that_keeps_stdout_open_does_not_keep_the_run_open(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        job = shell(tmp_path, "echo before; setsid sleep 60 & exit 3")
        await run.launcher.start(job)
        ended = await run.ended(key(job), within=5)
        assert (ended.code, await run.text_of(key(job))) == (3, "before\n")
        assert ended.wall_s < 0.5


async def test_nothing_is_made_for_a_run_that_says_nothing(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        job = shell(tmp_path, "true", env={"SOME": "1"})
        await run.launcher.start(job)
        await run.ended(key(job))
        assert {path.suffix for path in (tmp_path / "runs").iterdir()} == {".job", ".exit"}


async def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    async with following(tmp_path) as run:
        job = shell(tmp_path, "echo out; echo err >&2")
        await run.launcher.start(job)
        await run.ended(key(job))
        assert {path.stat().st_mode & 0o777 for path in (tmp_path / "runs").iterdir()} == {0o600}


CHANNEL = """
import json, multiprocessing, os, socket
channel = socket.socket(fileno=3)
def frame(**fields):
    return json.dumps(fields).encode()
def child():
    channel.send(b"\\0" + frame(k="log", m=str(os.getpid())))
"""


async def test_a_frame_in_parts_is_put_together_and_each_part_has_its_sender(tmp_path: Path) -> None:
    script = f"""{CHANNEL}
long = frame(k="log", m="y" * 200_000)
for at in range(0, len(long), 65_535):
    piece = long[at:at + 65_535]
    channel.send((b"\\0" if at + 65_535 >= len(long) else b"\\1") + piece)
"""
    async with following(tmp_path) as run:
        job = python(tmp_path, script)
        await run.launcher.start(job)
        await run.ended(key(job))
        [frame] = await run.frames(key(job))
        assert frame["m"] == "y" * 200_000


async def test_a_forked_worker_speaks_for_itself(tmp_path: Path) -> None:
    script = f"{CHANNEL}\nchild()\nworker = multiprocessing.get_context('fork').Process(target=child)\nworker.start(); worker.join()"
    async with following(tmp_path) as run:
        job = python(tmp_path, script)
        started = await run.launcher.start(job)
        await run.ended(key(job))
        senders = [int(frame["m"]) for frame in await run.frames(key(job))]
        assert senders[0] == started.pid != senders[1]


async def test_a_secret_is_acknowledged_once_it_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "runs"
    script = f"""{CHANNEL}
channel.send(b"\\0" + frame(k="secret", v="hunter2"))
answer = channel.recv(100)
[file] = [name for name in os.listdir({str(path)!r}) if name.endswith(".channel")]
print(answer[1:].decode(), b"hunter2" in open(os.path.join({str(path)!r}, file), "rb").read())
"""
    async with following(tmp_path) as run:
        job = python(tmp_path, script)
        await run.launcher.start(job)
        await run.ended(key(job))
        assert await run.text_of(key(job)) == '{"k": "ack"} True\n'


async def test_nonsense_on_the_channel_is_kept_for_the_daemon_and_harms_nobody(tmp_path: Path) -> None:
    script = (
        f"{CHANNEL}\nfor packet in (b'', b'x', b'\\0\"running\" not json', b'\\0[1, \"running\"]'): channel.send(packet)\nprint('fine')"
    )
    async with following(tmp_path) as run:
        job = python(tmp_path, script)
        await run.launcher.start(job)
        await run.ended(key(job))
        assert await run.text_of(key(job)) == "fine\n"
        assert b"not json" in await run.bytes_of(key(job), Channel.CHANNEL)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root (CAP_SYS_ADMIN)")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


async def test_on_a_full_disk_runs_go_on_and_their_last_word_and_exit_are_kept(small_disk: Path) -> None:
    script = f"""{CHANNEL}
import sys
for _ in range(40):
    sys.stdout.write("z" * 100_000)
for number in range(3000):
    channel.send(b"\\0" + frame(k="log", m="w" * 1000))
channel.send(b"\\0" + frame(k="end", type="COMPLETED"))
"""
    async with following(small_disk) as run:
        job = python(small_disk, script)
        await run.launcher.start(job)
        ended = await run.ended(key(job))
        assert ended.code == 0
        assert ended.sizes.stdout < MB
        frames = await run.frames(key(job))
        assert frames[-1]["k"] == "end"
        assert sum(frame["bytes"] for frame in frames if frame["k"] == "lost") > MB
        assert (small_disk / "runs" / f"{key(job)}.exit").stat().st_size > 0
        reserve = small_disk / "keeper.reserve"
        assert reserve.stat().st_size == 0
        await run.launcher.forget(key(job))
        assert await eventually(lambda: reserve.stat().st_size), "there is room again, and nothing is set aside for the next full disk"


async def test_when_there_is_room_again_the_loss_is_said_where_it_happened(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    script = f"echo begin; head -c {2 * MB} /dev/zero; rm {ballast}; sleep 0.1; echo end"
    async with following(small_disk) as run:
        free = os.statvfs(small_disk)
        ballast.write_bytes(bytes(free.f_bavail * free.f_frsize - 100_000))
        job = shell(small_disk, script)
        await run.launcher.start(job)
        await run.ended(key(job))
        text = await run.text_of(key(job))
        assert text.startswith("begin\n")
        assert text.count("bytes of output were dropped here: No space left on device]\n") == 1
        assert text.endswith("end\n")


async def test_prints_of_a_flow_with_no_newline_at_its_end_are_flushed(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text("from flowhand import flow\n@flow\ndef unfinished():\n    print('no newline', end='')\n")
    async with following(tmp_path) as run:
        job = make_job(tmp_path, entrypoint="flows.py:unfinished")
        await run.launcher.start(job)
        await run.ended(key(job))
        assert await run.text_of(key(job)) == "no newline"
