"""A fork server reduced to the least: warms the child program, then forks one child for each job it is sent. Run as a program.

A request is one packet: the job as JSON, with the channel, stdout and stderr as passed descriptors. The answers are `pid`, then
`exit code` (negative: the signal's number).
"""

from __future__ import annotations

import array
import gc
import json
import os
import socket
import sys

from flowhand.child import program, rehearsal, rehearsal_typed


def main(door: socket.socket) -> None:
    rehearsal.run(rehearsal.FLOWS | rehearsal_typed.FLOWS)
    gc.freeze()
    known = sorted(sys.modules)
    while True:
        text, fds = receive(door)
        if not text:
            return
        job = json.loads(text)
        pid = os.fork()
        if pid == 0:
            child(job, fds, known)
        for descriptor in fds:
            os.close(descriptor)
        door.send(str(pid).encode())
        door.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


def child(job: dict, fds: list[int], known: list[str]) -> None:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(fds[1], 1)
    os.dup2(fds[2], 2)
    os.dup2(fds[0], 3)
    os.closerange(4, 200)
    os.environ["KNOWN_MODULES"] = ",".join(known)
    program.finish(program.Program(3).main(job))


def receive(door: socket.socket) -> tuple[bytes, list[int]]:
    fds = array.array("i")
    text, ancillary, _flags, _address = door.recvmsg(1 << 20, socket.CMSG_LEN(3 * fds.itemsize))
    for _level, _type, data in ancillary:
        fds.frombytes(data)
    return text, list(fds)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
