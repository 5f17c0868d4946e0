"""Runs of the child program for tests: forked from a warm process, as the keeper forks them, with the test at the channel's other end."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flowhand.child.rehearsal import job as rehearsal_job
from flowhand.wire.records import MORE

DEADLINE_S = 20.0
HEADER = "import os, sys, time, asyncio, threading, logging\nfrom flowhand import flow, get_run_logger\n"


class Run:
    """One run of the child program. `frames` grows as the child speaks."""

    def __init__(self, channel: socket.socket, out: tuple[int, int]) -> None:
        self.pid = 0
        self.code: int | None = None
        self.frames: list[dict[str, Any]] = []
        self.packets: list[bytes] = []
        self.stdout = ""
        self.stderr = ""
        self._news = threading.Condition()
        self.channel = channel
        self._threads = [threading.Thread(target=self._listen)]
        for name, descriptor in zip(("stdout", "stderr"), out, strict=True):
            self._threads.append(threading.Thread(target=self._read, args=(name, descriptor)))
        for thread in self._threads:
            thread.start()

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The frames of one kind."""
        return [frame for frame in self.frames if frame["k"] == kind]

    @property
    def end(self) -> dict[str, Any]:
        """The last word; there is exactly one, of the main process."""
        (end,) = self.of("end")
        assert end["pid"] == self.pid
        return {key: value for key, value in end.items() if key != "pid"}

    def messages(self) -> list[str]:
        """The log messages."""
        return [frame["m"] for frame in self.of("log")]

    def wait_for(self, kind: str, text: str = "") -> dict[str, Any]:
        """The first frame of a kind whose message has the text, as soon as it is there."""
        with self._news:
            found = self._news.wait_for(lambda: [f for f in self.of(kind) if text in (f.get("m") or "")], DEADLINE_S)
        assert found, f"no {kind} frame with {text!r} in time; there are {self.frames}; stderr: {self.stderr}"
        return found[0]

    def say(self, **frame: Any) -> None:
        """Sends a frame to the child."""
        self.channel.send(b"\0" + json.dumps(frame).encode())

    def stop(self, why: str) -> None:
        """What the keeper does: tells why, then SIGTERM to the group."""
        self.say(k="stop", why=why)
        os.killpg(self.pid, signal.SIGTERM)

    def joined(self, code: int) -> Run:
        """The run at its end, all that it said read."""
        self.code = code
        self.channel.shutdown(socket.SHUT_WR)
        for thread in self._threads:
            thread.join(DEADLINE_S)
        self.channel.close()
        return self

    def _listen(self) -> None:
        parts: dict[int, bytes] = {}
        while True:
            try:
                packet, ancillary, _flags, _address = self.channel.recvmsg(1 << 17, 64)
            except OSError:
                return
            if not packet:
                return
            self.packets.append(packet)
            sender = struct.unpack("3i", ancillary[0][2])[0]
            parts[sender] = parts.get(sender, b"") + packet[1:]
            if not packet[0] & MORE:
                self._heard({**json.loads(parts.pop(sender)), "pid": sender})

    def _heard(self, frame: dict[str, Any]) -> None:
        with self._news:
            self.frames.append(frame)
            self._news.notify_all()
        if frame["k"] == "secret":
            self.say(k="ack")

    def _read(self, name: str, descriptor: int) -> None:
        with open(descriptor, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                setattr(self, name, getattr(self, name) + line)


class Nursery:
    """Forks children. `folder` is where flows are written and run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = Path(__file__).with_name("nursery_program.py")
        self.process = subprocess.Popen([sys.executable, "-P", str(program), str(theirs.fileno())], pass_fds=[theirs.fileno()])
        theirs.close()

    def write(self, text: str, name: str = "flows.py") -> Path:
        """Writes a file into the folder, below the imports that flows need."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + textwrap.dedent(text))
        return path

    def job(self, entrypoint: str, **changes: Any) -> dict[str, Any]:
        """A job for a flow of the folder."""
        return {**rehearsal_job("test", {}), "entrypoint": entrypoint, "directory": str(self.folder), **changes}

    @contextmanager
    def started(self, entrypoint: str = "flows.py:main", **changes: Any) -> Iterator[Run]:
        """A run under way; at the block's end it is waited for."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        (out, their_out), (err, their_err) = os.pipe(), os.pipe()
        socket.send_fds(self._door, [json.dumps(self.job(entrypoint, **changes)).encode()], [theirs.fileno(), their_out, their_err])
        theirs.close()
        os.close(their_out)
        os.close(their_err)
        run = Run(ours, (out, err))
        run.pid = int(self._door.recv(100))
        try:
            yield run
        except BaseException:
            os.killpg(run.pid, signal.SIGKILL)
            raise
        finally:
            run.joined(int(self._door.recv(100)))

    def run(self, text: str = "", entrypoint: str = "flows.py:main", **changes: Any) -> Run:
        """A run to its end, of a flow in `text`."""
        if text:
            self.write(text)
        with self.started(entrypoint, **changes) as run:
            pass
        return run

    def close(self) -> None:
        """Ends the fork server."""
        self._door.close()
        self.process.wait(DEADLINE_S)
