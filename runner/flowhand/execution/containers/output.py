"""A container's output, carried on to ours: every byte once, also when the engine goes away in between and comes back."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from docker import DockerClient

Pieces = Iterable[tuple[bytes | None, bytes | None]]
"""Of stdout and of stderr."""
_SETTLE_S: Final = 5.0
_LOOK_S: Final = 0.5
_STDOUT: Final = 0
_STDERR: Final = 1
_UNREADABLE: Final = 501
"""The engine's status for logs whose driver keeps nothing that it could read, as `none`."""


class Output:
    """Of one container that is not started yet."""

    def __init__(self, client: DockerClient, container: str) -> None:
        self._client = client
        self._container = container
        self._carried = [0, 0]
        """Bytes of stdout and of stderr."""
        self._threads: list[threading.Thread] = []

    def follow(self) -> None:
        """Carries it on, in a thread of its own. To be called before the container is started: docker-py loses what comes together with
        the engine's answer. (Its logs, read from their beginning, would be complete as well, but some drivers keep none, and a container
        that prints much is several times faster than those are read.) OSError when the engine does not answer."""
        from docker.errors import APIError  # see `box.Box.make`

        try:
            attached = self._attach()
        except APIError as error:  # the run goes on
            _cannot_follow(error)
        else:
            self._start(lambda: self._carry(attached))

    def resume(self) -> None:
        """After the engine was away: what it has kept is read from its first byte, and what was carried is passed over. To be attached
        to again would not do: of a container that has ended meanwhile nothing would come, nor an end."""
        if self.settle():
            self._start(lambda: self._kept(_STDOUT))
            self._start(lambda: self._kept(_STDERR))

    def settle(self, patience_s: float = _SETTLE_S) -> bool:
        """Returns once the engine tells no more, or nothing for as long as patience lasts; whether it was the former."""
        carried, deadline = sum(self._carried), time.monotonic() + patience_s
        while self._threads and time.monotonic() < deadline:
            self._threads[0].join(_LOOK_S)
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            if sum(self._carried) > carried:
                carried, deadline = sum(self._carried), time.monotonic() + patience_s
        return not self._threads

    def _start(self, carry: Callable[[], None]) -> None:
        def carry_on() -> None:
            try:
                carry()
            except OSError as error:  # what the engine refuses and what requests raise are such, too; the run goes on
                _cannot_follow(error)

        thread = threading.Thread(target=carry_on, name="output", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _attach(self) -> Pieces:
        return self._client.api.attach(self._container, stdout=True, stderr=True, stream=True, demux=True)

    def _carry(self, attached: Pieces) -> None:
        for pieces in attached:
            for number, piece in enumerate(pieces):
                self._write(number, piece or b"")

    def _kept(self, number: int) -> None:
        from docker.errors import APIError  # see `box.Box.make`

        skip = self._carried[number]
        wanted = {"stdout": number == _STDOUT, "stderr": number == _STDERR}
        try:
            pieces = self._client.api.logs(self._container, stream=True, follow=True, **wanted)
        except APIError as error:
            if error.status_code != _UNREADABLE:
                raise
            if number == _STDOUT:  # once for both
                self._unkept()
            return
        for piece in pieces:
            self._write(number, piece[skip:])
            skip -= min(skip, len(piece))

    def _unkept(self) -> None:
        """Of what has no logs there is only what comes from now on."""
        sys.stderr.write("What the container printed while the engine was away is lost: its log driver keeps nothing\n")
        self._carry(self._attach())

    def _write(self, number: int, piece: bytes) -> None:
        stream = sys.stderr.buffer if number == _STDERR else sys.stdout.buffer
        stream.write(piece)
        stream.flush()
        self._carried[number] += len(piece)


def _cannot_follow(error: OSError) -> None:
    sys.stderr.write(f"What the container prints cannot be followed: {error}\n")
