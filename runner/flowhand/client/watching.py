"""Waiting for a run: by long poll on our own server, by plain polling on any other that speaks the contract."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flowhand.client import flow_runs, logs
from flowhand.client.call import Call, Errand, Json, Pause
from flowhand.clock import to_micros
from flowhand.errors import ApiRefused, ObjectNotFound
from flowhand.wire.runner import MAX_WAIT_S, WatchedLine, WatchReply, WatchRequest
from flowhand.wire.states import is_terminal

POLL_S: Final = 2.0


@dataclass(slots=True)
class Watch:
    """One watcher's place in one run: what it has seen. `next` answers with what is new."""

    flow_run_id: str
    logs: bool = True
    state_id: str | None = None
    cursor: int = 0
    by_polling: bool = False
    """Set by itself when the server has no long poll."""

    def next(self, wait_s: float = MAX_WAIT_S, poll_s: float = POLL_S) -> Errand[WatchReply]:
        """Waits up to `wait_s` seconds for another state or more log lines. ObjectNotFound when there is no such run."""
        if not self.by_polling:
            try:
                reply = yield self._long_poll(wait_s)
                return self._seen(reply)
            except ApiRefused as error:
                if error.status not in (404, 405) or not _no_such_route(error):
                    raise
                self.by_polling = True
        return (yield from self._poll(wait_s, poll_s))

    def _long_poll(self, wait_s: float) -> Call[WatchReply]:
        body = WatchRequest(
            flow_run_id=self.flow_run_id,
            state_id=self.state_id,
            logs=self.logs,
            logs_after=self.cursor,
            wait_s=min(wait_s, MAX_WAIT_S),
        )
        return Call(
            "POST",
            "/runner/watch",
            WatchReply.model_validate_json,
            body.model_dump(),
            about=f"flow run {self.flow_run_id}",
            timeout_s=wait_s + 10.0,
        )

    def _poll(self, wait_s: float, poll_s: float) -> Errand[WatchReply]:
        waited = 0.0
        while True:
            run: Json = yield flow_runs.read(self.flow_run_id)
            lines: list[WatchedLine] = []
            if self.logs:
                found = yield from logs.listed(self.flow_run_id)
                lines = [_line(index, line) for index, line in enumerate(found) if index >= self.cursor]
            if lines or run.get("state_id") != self.state_id or waited >= wait_s:
                return self._seen(_reply(run, lines, self.cursor))
            yield Pause(poll_s)
            waited += poll_s

    def _seen(self, reply: WatchReply) -> WatchReply:
        self.state_id = reply.state_id
        self.cursor = max(self.cursor, reply.logs_after)
        return reply


def until_ended(watch: Watch, wait_s: float | None = None, monotonic: Callable[[], float] = time.monotonic) -> Errand[WatchReply]:
    """Waits until the run has ended, or for `wait_s` seconds. The last reply."""
    deadline = None if wait_s is None else monotonic() + wait_s
    while True:
        left = MAX_WAIT_S if deadline is None else deadline - monotonic()
        reply = yield from watch.next(max(0.0, min(MAX_WAIT_S, left)))
        if reply.terminal or (deadline is not None and monotonic() >= deadline):
            return reply


def _no_such_route(error: ApiRefused) -> bool:
    """A route that is missing is answered `Not Found`; a run that is missing by a sentence that names it."""
    return not isinstance(error, ObjectNotFound) or error.detail in ("Not Found", "")


def _reply(run: Json, lines: list[WatchedLine], cursor: int) -> WatchReply:
    state: Json = run.get("state") or {}
    return WatchReply(
        flow_run_id=run["id"],
        name=run.get("name") or "",
        state_id=run.get("state_id"),
        state_type=run.get("state_type"),
        state_name=run.get("state_name"),
        message=state.get("message"),
        stamp_us=_micros(state.get("timestamp")),
        terminal=is_terminal(run.get("state_type") or ""),
        logs=lines,
        logs_after=cursor + len(lines),
    )


def _line(index: int, line: Json) -> WatchedLine:
    return WatchedLine(
        cursor=index + 1,
        stamp_us=_micros(line["timestamp"]) or 0,
        level=line["level"],
        name=line["name"],
        message=line["message"],
        task_run_id=line.get("task_run_id"),
    )


def _micros(stamp: str | None) -> int | None:
    return to_micros(datetime.fromisoformat(stamp)) if stamp else None
