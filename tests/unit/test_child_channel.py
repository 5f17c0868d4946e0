"""The channel of a run, in processes that the run forked."""

from __future__ import annotations

import os
import select
import signal
import socket

from flowhand.child.channel import Channel


def test_a_fork_does_not_wait_for_an_acknowledgement_that_its_parent_has_read() -> None:
    """Not for ever: a second."""
    keeper, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel = Channel(theirs.detach())
    fork = os.fork()
    if fork == 0:
        os._exit(int(channel.acknowledged({"k": "secret", "v": "open-sesame"})))
    gone = os.pidfd_open(fork)
    try:
        assert b"open-sesame" in keeper.recv(1000)
        os.kill(fork, signal.SIGSTOP)
        os.waitpid(fork, os.WUNTRACED)
        keeper.send(b'\0{"k": "ack"}')
        assert channel.stopped_for() is None  # it has read what there is
        os.kill(fork, signal.SIGCONT)
        assert select.select([gone], [], [], 10)[0], "it waits for ever"
    finally:
        os.kill(fork, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1])
        os.close(gone)
        keeper.close()
    assert code == 0
