"""Watching a run until it ends: its states and logs as they come, and below them on a terminal what it is waiting for."""

from __future__ import annotations

import sys
import time
from typing import Final

from rich.console import Console

from flowhand.cli.lines import log_text, state_line, waiting_text
from flowhand.cli.tables import WIDE
from flowhand.client.api import SyncApiClient
from flowhand.client.watching import Watch
from flowhand.wire.runner import MAX_WAIT_S, WatchReply
from flowhand.wire.states import StateType

_REFRESH_S: Final = 8.0
"""Refreshes a second of the line that moves."""

_BEGINNINGS: Final = frozenset({StateType.PENDING, StateType.RUNNING})
"""States that stand before the lines which came with them; the others stand after."""


def watch_run(client: SyncApiClient, flow_run_id: str, *, timeout_s: float | None, to_stderr: bool = False) -> WatchReply:
    """Prints until the run has ended or `timeout_s` seconds have passed; the last reply. KeyboardInterrupt leaves the run alone."""
    stream = sys.stderr if to_stderr else sys.stdout
    console = Console(file=stream, width=None if stream.isatty() else WIDE, highlight=False, soft_wrap=True)
    watch = Watch(flow_run_id)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    printed = _Printed(console)
    with console.status("asking for the run", refresh_per_second=_REFRESH_S) as status:
        while True:
            left = MAX_WAIT_S if deadline is None else min(MAX_WAIT_S, max(0.0, deadline - time.monotonic()))
            reply = client.run(watch.next(left))
            printed.show(reply)
            if reply.terminal:
                return _rest(client, watch, reply, printed)
            if deadline is not None and time.monotonic() >= deadline:
                return reply
            status.update(waiting_text(reply))


def _rest(client: SyncApiClient, watch: Watch, reply: WatchReply, printed: _Printed) -> WatchReply:
    """What is still to be read of a run that has ended: an answer holds a bounded number of lines."""
    while reply.logs:
        reply = client.run(watch.next(0.0))
        printed.show(reply)
    return reply


class _Printed:
    """What was printed already, so that each state and reason stands there once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._state_id: str | None = None
        self._why: str | None = None

    def show(self, reply: WatchReply) -> None:
        if reply.state_type in _BEGINNINGS:
            self._state(reply)
        for line in reply.logs:
            self._console.print(log_text(line))
        self._state(reply)
        if reply.why and reply.why != self._why and not self._console.is_terminal:
            self._console.print(f"waiting: {reply.why}")
        self._why = reply.why

    def _state(self, reply: WatchReply) -> None:
        if reply.state_id != self._state_id:
            self._state_id = reply.state_id
            self._console.print(state_line(reply))
