"""A container's output, carried on to ours: every byte once, also when the engine goes away in between and comes back."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from docker import DockerClient

_SETTLE_S: Final = 5.0
_STDOUT: Final = 0
_STDERR: Final = 1


class Output:
    """Of one container that was just started."""

    def __init__(self, client: DockerClient, container: str) -> None:
        self._client = client
        self._container = container
        self._carried = [0, 0]
        """Bytes of stdout and of stderr."""
        self._threads: list[threading.Thread] = []

    def follow(self) -> None:
        """Carries it on, in a thread of its own."""
        self._start(self._attached)

    def resume(self) -> None:
        """After the engine was away: what it has kept is read from its first byte, and what was carried is passed over. To be attached
        to again would not do: of a container that has ended meanwhile nothing would come, nor an end."""
        if self.settle():
            self._start(lambda: self._kept(_STDOUT))
            self._start(lambda: self._kept(_STDERR))

    def settle(self, patience_s: float = _SETTLE_S) -> bool:
        """Returns once the engine tells no more, or patience is over; whether it was the former."""
        deadline = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        return not self._threads

    def _start(self, carry: Callable[[], None]) -> None:
        def carry_on() -> None:
            try:
                carry()
            except OSError as error:  # what the engine refuses and what requests raise are such, too; the run goes on
                sys.stderr.write(f"What the container prints cannot be followed: {error}\n")

        thread = threading.Thread(target=carry_on, name="output", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _attached(self) -> None:
        for pieces in self._client.api.attach(self._container, stdout=True, stderr=True, stream=True, logs=True, demux=True):
            for number, piece in enumerate(pieces):
                self._write(number, piece or b"")

    def _kept(self, number: int) -> None:
        skip = self._carried[number]
        wanted = {"stdout": number == _STDOUT, "stderr": number == _STDERR}
        for piece in self._client.api.logs(self._container, stream=True, follow=True, **wanted):
            self._write(number, piece[skip:])
            skip -= min(skip, len(piece))

    def _write(self, number: int, piece: bytes) -> None:
        stream = sys.stderr.buffer if number == _STDERR else sys.stdout.buffer
        stream.write(piece)
        stream.flush()
        self._carried[number] += len(piece)
