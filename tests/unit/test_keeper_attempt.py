"""An attempt in a keeper's hands, where the order of events, or who may do what, is the test's own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import traceback
from pathlib import Path

import pytest

from flowhand.keeper import channel
from flowhand.keeper.attempt import Attempt
from flowhand.keeper.cgroups import Cgroups
from flowhand.keeper.exits import ExitMessage
from flowhand.keeper.family import Family
from flowhand.keeper.files import Reserve
from flowhand.keeper.loop import Loop, now
from flowhand.keeper.outputs import Outputs

NOBODY = 65534


class House:
    """A keeper of one attempt. The process at the channel's other end is played: it says `says` just before its permit is looked for."""

    def __init__(self, folder: Path, pid: int, says: bytes = b"") -> None:
        self.loop, self.family, self.cgroups = Loop(), Family[Attempt](), Cgroups(None, "", v2=False)
        self.attempt = Attempt(self, "run.1", "mark", pid, spawned=None, grace_s=5.0, baseline=0, kills=0)
        self.attempt.permitted = True
        self._says = says
        ours, self.theirs = channel.pair()
        (out, self._out), (err, self._err) = os.pipe(), os.pipe()
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        heard, reserve = self.attempt.heard, Reserve(descriptor, "reserve")
        self.attempt.outputs = Outputs(
            self.loop, descriptor, "run.1", (ours, out, err), reserve, grown=lambda: None, ended=lambda: None, peek=heard
        )

    def withdraw_permit(self, attempt: Attempt) -> bool:
        """There is none any more."""
        self.theirs.send(b"\0" + self._says)
        return False

    def told(self) -> bool:
        """Whether the attempt's process was told to stop."""
        try:
            return b'"stop"' in self.theirs.recv(1000, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False

    def grown(self, attempt: Attempt) -> None: ...
    def ended(self, attempt: Attempt, told: ExitMessage) -> None: ...
    def wants_pydantic(self) -> None: ...
    def killed_for_memory(self, kills_before: int) -> bool:
        return False


@pytest.mark.parametrize(("says", "revoked"), [(b'{"k": "unpermitted"}', True), (b'{"k": "running"}', False), (b"", False)])
def test_a_permit_that_is_not_there_was_given_up_or_taken(tmp_path: Path, says: bytes, revoked: bool) -> None:
    """A process that gives it up says so before, be it in the instant in which it is revoked; one that has taken it is let go on."""
    sleeper = subprocess.Popen(["sleep", "60"], process_group=0)
    try:
        house = House(tmp_path, sleeper.pid, says)
        house.attempt.stop("revoked", 5.0)
        assert house.told() is revoked
    finally:
        sleeper.kill()
        sleeper.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_a_run_whose_main_process_became_another_user_is_nudged_in_vain(tmp_path: Path) -> None:
    """Its group can be signalled, since somebody else is in it; that it itself cannot does not end the keeper."""
    foreign = subprocess.Popen(["sleep", "60"], process_group=0)
    own = subprocess.Popen(["sleep", "60"], process_group=foreign.pid, user=NOBODY)
    asks = os.fork()
    if asks == 0:
        try:
            house = House(tmp_path, foreign.pid)
            os.setuid(NOBODY)
            _stop_and_nudge(house)
        except BaseException:  # noqa: BLE001 - told to the test by its exit code
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    try:
        assert os.waitstatus_to_exitcode(os.waitpid(asks, 0)[1]) == 0
        assert (own.wait(10), foreign.poll()) == (-signal.SIGTERM, None)
    finally:
        for process in (foreign, own):
            process.kill()
            process.wait()


def _stop_and_nudge(house: House) -> None:
    house.attempt.stop("cancel", 5.0)
    over: list[None] = []
    house.loop.at(now() + 0.1, lambda: over.append(None))
    while not over:
        house.loop.turn()
