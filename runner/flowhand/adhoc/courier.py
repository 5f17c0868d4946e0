"""The courier: one thread of a process that keeps its session, creates and claims the runs, renews their leases, delivers what they tell.

The flows never wait for it, except for their run's id at the beginning and, when the API answers, for their last word to be stored. While
the API is away everything stays in the outboxes, and the courier tries again for as long as the process lives.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from typing import Final

from flowhand.adhoc import calls
from flowhand.adhoc.outbox import MOST_TEXT, Batch, Item, Line, TaskTold
from flowhand.adhoc.run import AdhocRun
from flowhand.adhoc.where import api_in_sight
from flowhand.client.address import Address
from flowhand.client.api import SyncApiClient
from flowhand.client.backoff import full_jitter
from flowhand.errors import ApiError, ApiRefused, ApiUnavailable, ObjectAlreadyExists, Unauthorized
from flowhand.settings import Settings
from flowhand.wire.runner import FENCING, ReportReply, SessionReply

OPEN_S: Final = 10.0
"""How long a call waits for its run to be known."""
SETTLE_S: Final = 10.0
"""How long a call waits for its last word to be stored."""
LEAVE_S: Final = 10.0
"""How long the end of the process is held up for an API that is away."""
LINGER_S: Final = 0.5
"""How long a log line waits for others."""
LEASES: Final = 3
"""A script's lease is so many times a daemon's: its thread may be kept waiting by the flow's own code."""
_NEVER: Final = math.inf

log = logging.getLogger("flowhand.adhoc")


class Courier:
    """Of one process and one API. Its methods may be called from any thread."""

    def __init__(self, address: Address, settings: Settings) -> None:
        self.address = address
        self.pid = os.getpid()
        self._beat_s = settings.worker_heartbeat
        timeout_s = min(settings.api_timeout, SETTLE_S)
        self._client = SyncApiClient(address, timeout_s=timeout_s, patience_s=0.0, revive=lambda: api_in_sight(settings) or address)
        self._changed = threading.Condition()
        self._runs: list[AdhocRun] = []
        self._session: SessionReply | None = None
        self._last_claim = 0
        self._failures = 0
        """In a row; while there are any, the API is away."""
        self._wake_at = _NEVER
        self._refused = False
        """The API does not take us: nothing is delivered any more."""
        self._leave_by: float | None = None
        self._thread = threading.Thread(target=self._work, name="flowhand-adhoc", daemon=True)
        self._thread.start()

    # --- what flows ask of it --------------------------------------------------------------------------------------------------------

    def open(self, run: AdhocRun) -> None:
        """Makes the run known; returns once it is, or once it is clear that it is not for now."""
        with self._changed:
            self._runs.append(run)
            self._wake(0.0)
            self._changed.wait_for(lambda: run.leased or run.over or run.given_up or self._stuck, OPEN_S)

    def tell(self, run: AdhocRun, item: Item) -> None:
        """Delivers a line, a state or a task's state, in order, in the background."""
        with self._changed:
            if self._refused:
                return
            run.add(item)
            self._wake(LINGER_S if isinstance(item, (Line, TaskTold)) else 0.0)

    def give_up(self, run: AdhocRun, end: Item) -> None:
        """The run does not begin: ends so at the API, if that was asked for it. Idempotent."""
        with self._changed:
            if run.given_up:
                return
            run.given_up = True
            if run.opening:
                run.add(end)
                self._wake(0.0)
            else:
                run.drop()
            self._changed.notify_all()

    def drop(self, run: AdhocRun) -> None:
        """Delivers nothing more of the run and does not renew its lease."""
        with self._changed:
            run.drop()

    def settle(self, run: AdhocRun) -> None:
        """Returns once all that the run told is stored, or the API is away."""
        with self._changed:
            self._changed.wait_for(lambda: run.told or self._stuck, SETTLE_S)

    def leave(self) -> None:
        """Delivers what is left, at most some seconds, and ends the session. Says so when something was not delivered."""
        now = time.monotonic()
        self._leave(now + LEAVE_S, now + LEAVE_S + 2 * SETTLE_S)

    def leave_by(self, by: float) -> None:
        """The same until then, on the monotonic clock, whatever is under way."""
        self._leave(by, by)

    def _leave(self, deliver_by: float, wait_by: float) -> None:
        with self._changed:
            self._leave_by = time.monotonic() if self._refused else deliver_by
            self._wake(0.0)
        self._thread.join(max(0.0, wait_by - time.monotonic()))
        left = [run for run in self._runs if not run.told]
        if left and not self._refused:
            names = ", ".join(repr(run.about.name) for run in left[:5])
            log.warning("The API at %s did not come back: it does not know how %d run(s) ended (%s)", self.address.url, len(left), names)

    @property
    def _stuck(self) -> bool:
        return self._refused or self._failures > 0

    def _wake(self, within_s: float) -> None:
        if not self._failures or self._leave_by is not None:
            self._wake_at = min(self._wake_at, time.monotonic() + within_s)
        self._changed.notify_all()

    # --- the thread ------------------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while self._wait():
                try:
                    self._round()
                except ApiUnavailable as error:
                    self._unreachable(error)
                except ApiError as error:
                    self._give_up(error)
            if self._session is not None and not self._stuck:
                self._client.send(calls.close(self._session))
        except ApiError as error:
            log.debug("The session could not be closed; it will lapse: %s", error)
        finally:
            self._client.close()
            with self._changed:
                self._refused = self._refused or self._leave_by is None
                self._changed.notify_all()

    def _wait(self) -> bool:
        """Until there is something to do. False when it is time to leave."""
        with self._changed:
            while True:
                now = time.monotonic()
                if self._leave_by is not None and (now >= self._leave_by or all(run.told for run in self._runs)):
                    return False
                if self._refused and self._leave_by is None:
                    self._changed.wait()
                elif (left := min(self._wake_at, self._leave_by or _NEVER) - now) <= 0:
                    return True
                else:
                    self._changed.wait(None if left == _NEVER else left)

    def _round(self) -> None:
        """Everything that there is to do, once."""
        with self._changed:
            self._wake_at = _NEVER
            new = [run for run in self._runs if not run.leased and not run.over]
        if self._session is None:
            self._session = self._client.send(calls.open_session(LEASES * self._beat_s, None))
        try:
            for run in new:
                self._open(run, self._session)
            self._report(self._session)
        except ObjectAlreadyExists:  # 409: the server does not take this session any more
            self._session = self._client.send(calls.open_session(LEASES * self._beat_s, self._session))
            self._last_claim = 0
            self._again(0.0)
            return
        if self._failures:
            log.warning("The API at %s is back; what flows have told meanwhile is delivered", self.address.url)
        self._failures = 0
        self._again(self._beat_s)

    def _again(self, in_s: float) -> None:
        with self._changed:
            self._runs = [run for run in self._runs if not run.over]
            busy = any(not run.told for run in self._runs)
            if self._runs or not in_s:
                self._wake_at = min(self._wake_at, time.monotonic() + (min(in_s, LINGER_S) if busy else in_s))
            self._changed.notify_all()

    # --- one run's beginning ---------------------------------------------------------------------------------------------------------

    def _open(self, run: AdhocRun, session: SessionReply) -> None:
        with self._changed:
            if run.over:
                return
            run.opening = True
        try:
            why = self._create(run) or self._claim(run, session)
        except (ApiUnavailable, Unauthorized, ObjectAlreadyExists):
            raise
        except ApiRefused as error:
            why = str(error)
        if why is not None:
            self._unreported(run, why)

    def _create(self, run: AdhocRun) -> str | None:
        """Makes the run; why it cannot be had, else None."""
        if run.known_id is not None or run.created:
            return None
        if run.parent is not None and run.parent_task_run_id is None:
            if not run.parent.created:
                return "the run that called it is not known to the API"
            run.parent_task_run_id = self._client.send(calls.link(run.parent.about, run.flow, run.dynamic_key))["id"]
        made = self._client.run(calls.create_run(run.flow, run.about, run.parent_task_run_id, run.key))
        run.about.id, run.about.flow_id, run.created = made["id"], made["flow_id"], True
        run.about.parent_task_run_id = run.parent_task_run_id
        return None

    def _claim(self, run: AdhocRun, session: SessionReply) -> str | None:
        reply = self._client.send(calls.claim(session, run.known_id or run.about.id, self._last_claim))
        self._last_claim = reply.claim
        if not reply.runs:
            return reply.why or "the API does not give it"
        with self._changed:
            run.outbox.address(reply.runs[0].run_id, reply.runs[0].attempt)
            self._changed.notify_all()
        return None

    # --- reports ---------------------------------------------------------------------------------------------------------------------

    def _report(self, session: SessionReply) -> None:
        with self._changed:
            batches = self._batches()
            renew = [run.attempt for run in self._runs if run.leased and (run not in batches or batches[run].ends is None)]
        if batches or renew:
            self._answered(batches, self._client.send(calls.report(session, renew, list(batches.values()))))

    def _batches(self) -> dict[AdhocRun, Batch]:
        room, batches = MOST_TEXT, dict[AdhocRun, Batch]()
        for run in self._runs:
            if run.leased and run.outbox.waiting and room > 0:
                batch = batches[run] = run.outbox.batch(room)
                room -= batch.size
        return batches

    def _answered(self, batches: dict[AdhocRun, Batch], reply: ReportReply) -> None:
        gone = {(refusal.run_id, refusal.attempt) for refusal in (*reply.refused, *reply.lost) if refusal.reason in FENCING}
        lost = [run for run in self._runs if run.leased and run.attempt in gone]
        to_cancel = [run for run in self._runs if run.leased and run.attempt in reply.orders.cancel]
        with self._changed:
            for run, batch in batches.items():
                run.answered(batch, reply)
        for run in lost:
            self._unreported(run, "it belongs to somebody else by now")
        for run in to_cancel:
            run.cancel()

    # --- when it does not work -------------------------------------------------------------------------------------------------------

    def _unreported(self, run: AdhocRun, why: str) -> None:
        if run.known_id is None or run.leased:
            log.warning("Flow run %r goes on, and the API is told nothing more of it: %s", run.about.name, why)
        with self._changed:
            run.refusal = why
            run.drop()
            self._changed.notify_all()

    def _unreachable(self, error: ApiUnavailable) -> None:
        if not self._failures:
            log.warning("Flows run on without the API, which is told when it is back: %s", error)
        with self._changed:
            delay = max(full_jitter(self._failures), error.retry_after or 0.0)
            self._failures += 1
            self._wake_at = time.monotonic() + delay
            self._changed.notify_all()

    def _give_up(self, error: ApiError) -> None:
        log.warning("Flows run on, and the API is told nothing of them: %s", error)
        with self._changed:
            self._refused = True
            for run in self._runs:
                run.drop()
            self._changed.notify_all()
