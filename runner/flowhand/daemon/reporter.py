"""The reporter: the one way back to the server, in batches.

A batch is sent the moment there is something to say and no request is under way; what comes meanwhile makes the next one. So one run
alone has no added delay, and a flood makes big batches. While the API is away the batch at hand is kept and nothing more is read: what
the runs say waits in their files.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import anyio
import anyio.to_thread
import structlog

from flowhand.backends.backend import Backend
from flowhand.clock import Clock
from flowhand.daemon.backoff import Backoff
from flowhand.daemon.journal import Journal
from flowhand.daemon.masking import Masking
from flowhand.daemon.registry import Registry
from flowhand.daemon.run import Run
from flowhand.daemon.session import Session
from flowhand.errors import ApiRefused, ApiUnavailable, Unauthorized
from flowhand.failpoints import fail_point
from flowhand.wire.job import key_of
from flowhand.wire.runner import FENCING, EventItem, LogBatch, Orders, Refusal, ReportReply, ReportRequest, StateItem, StateResult, TaskItem
from flowhand.wire.states import TERMINAL

log = structlog.get_logger("flowhand.daemon")

BATCH_BYTES: Final = 400_000
"""Of raw text; JSON may double it, and a report may be 1 MB."""
SHARE_BYTES: Final = 16_384
CONFLICT: Final = 409


class Handler(Protocol):
    """What the daemon does about an answer."""

    async def stored(self, run: Run, result: StateResult) -> None:
        """A final state is stored, as the result says."""
        ...

    async def refused(self, run: Run, refusal: Refusal) -> None:
        """The server refused the attempt itself."""
        ...

    async def hand_back(self, runs: list[Run]) -> None:
        """Attempts that are to be scheduled again."""
        ...

    async def let_go(self, run: Run) -> None:
        """A fenced attempt has ended and its lines are stored."""
        ...

    def calls_hooks(self, run: Run) -> bool:
        """Whether hooks that its process could not call are called first; the run is marked again once they were."""
        ...

    def unheard(self, run: Run) -> None:
        """The API is away, and there is something to say of this run, which is not read before it is back. Often told."""
        ...

    def heard(self, run: Run, batch: LogBatch) -> None:
        """Lines that were read for the first time."""
        ...


@dataclass(slots=True)
class Batch:
    """One report, and the runs of which nothing more will be said once it is stored."""

    request: ReportRequest
    unfinished: list[Run] = field(default_factory=list[Run])
    """To be handed back: they ended before they began, or were interrupted (`Run.interruption`)."""
    fenced: list[Run] = field(default_factory=list[Run])
    """Not ours any more; their lines are heard all the same."""


class Reporter:
    """Builds, sends and settles reports, one at a time."""

    def __init__(
        self,
        backend: Backend,
        session: Session,
        registry: Registry,
        journal: Journal,
        handler: Handler,
        orders: Callable[[Orders], Awaitable[None]],
        clock: Clock,
        dead_letters: Path,
        masking: Masking,
        backoff: Callable[[], Backoff] = Backoff,
        offload: Callable[[Callable[[], None]], Awaitable[None]] = anyio.to_thread.run_sync,
    ) -> None:
        self._backend = backend
        self._session = session
        self._registry = registry
        self._journal = journal
        self._handler = handler
        self._orders = orders
        self._clock = clock
        self._dead_letters = dead_letters
        self._masking = masking
        self._dirty: dict[Run, None] = {}
        self._wake = anyio.Event()
        self._backoff = backoff()
        self._offload = offload
        self._busy = False
        self._away = False
        """The last report was not answered, and is tried again."""

    def mark(self, run: Run) -> None:
        """There is something to say of this run."""
        self._dirty[run] = None
        self._wake.set()
        if self._away:
            self._handler.unheard(run)

    @property
    def idle(self) -> bool:
        """Nothing to say and nothing under way."""
        return not self._dirty and not self._busy

    async def run(self) -> None:
        """The loop; ends by cancellation, or by Unauthorized."""
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            while self._dirty:
                self._busy = True
                try:
                    await self._round()
                finally:
                    self._busy = False

    async def _round(self) -> None:
        batch = await self._build()
        request = batch.request
        if request.logs or request.states or request.tasks or request.events:
            await self._settle(request)
        for run in batch.fenced:
            await self._handler.let_go(run)
        if batch.unfinished:
            await self._handler.hand_back(batch.unfinished)

    async def _build(self) -> Batch:
        batch = Batch(ReportRequest(session=self._session.id))
        room = BATCH_BYTES
        for run in list(self._dirty):
            if room <= 0:
                break
            share = max(SHARE_BYTES, room // max(1, len(self._dirty)))
            room -= await self._take(run, share, batch)
        return batch

    async def _take(self, run: Run, share: int, batch: Batch) -> int:
        """Adds what one run has to say; the bytes it came to."""
        process_ended = run.ended
        run.follower.ended = process_ended
        taken = await run.follower.take(share, self._masking.own)
        if self._registry.get(run.key) is not run:
            self._dirty.pop(run, None)  # forgotten while it waited for its turn
            return taken.bytes
        heard = [item for frame in taken.frames if (item := run.hear(frame)) is not None]
        states = [self._masking.state(run, item) for item in heard]
        told = taken.frames
        if run.follower.pending == 0:  # what came of its hooks has higher numbers
            told, run.late = [*told, *run.late], []
        tasks = [self._masking.task(run, item) for frame in told if (item := run.task(frame)) is not None]
        events = [self._masking.event(run, item) for frame in told if (item := run.event(frame)) is not None]
        lines = self._masking.lines(run, [*run.notes, *taken.lines])
        run.notes.clear()
        if run.follower.pending == 0:
            del self._dirty[run]
            if process_ended:
                self._end(run, batch, states)
        if lines:
            said = LogBatch(run_id=run.claimed.run_id, attempt=run.claimed.attempt, lines=lines)
            self._handler.heard(run, said)
            batch.request.logs.append(said)
        batch.request.events += events
        if not run.silenced:
            batch.request.tasks += tasks
            batch.request.states += [item for item in states if item.seq > run.marks.get("state", 0)]
        return taken.bytes

    def _end(self, run: Run, batch: Batch, states: list[StateItem]) -> None:
        """Its process has left and its files are read: what is to be done about that."""
        if run.silenced:
            batch.fenced.append(run)
            return
        if run.final is None and not run.handed_back:
            if self._handler.calls_hooks(run):
                return
            final = run.conclude(self._clock.now_us())
            if final is None:
                batch.unfinished.append(run)
            else:
                self._journal.final(run.key, self._masking.state(run, final))
        if run.final is not None:
            states.append(run.final)

    async def _settle(self, request: ReportRequest) -> None:
        """Sends until the server took it; then acts on the answer."""
        ends = any(item.type in TERMINAL for item in request.states)
        if ends:
            fail_point("reporting")
        reply = await self._send(request)
        if reply is None:
            return
        if ends:
            fail_point("reported")
        self._backoff.reset()
        self._journal.marks(reply.marks)
        for result in reply.states:
            if request.session != self._session.id:
                result.retry_here = None  # the session it was meant for is superseded, and the next try was handed back then
            run = self._registry.get(key_of(result.run_id, result.attempt))
            if run is not None and run.final is not None and result.seq == run.final.seq:
                await self._handler.stored(run, result)
        for refusal in reply.refused:
            await self._refused(refusal, request)
        await self._orders(reply.orders)

    async def _send(self, request: ReportRequest) -> ReportReply | None:
        synced = False
        while True:
            request.session = self._session.id
            try:
                reply = await self._backend.report(request)
                self._session.outage.over()
                self._away = False
                return reply
            except ApiUnavailable as error:
                if not synced and request.states:
                    await self._offload(self._journal.sync)
                    synced = True
                self._is_away()
                delay = self._backoff.next(error.retry_after)
                if self._backoff.failures == 1:
                    log.warning("The API cannot be reached; runs go on, and what they say is kept", error=str(error))
                await self._session.outage.sit_out(delay, error.retry_after)
            except Unauthorized:
                raise
            except ApiRefused as error:
                if error.status == CONFLICT:
                    await self._session.reopen(request.session)
                else:
                    await self._divide(request, error)
                    return None

    def _is_away(self) -> None:
        if not self._away:
            self._away = True
            for run in self._dirty:
                self._handler.unheard(run)

    async def _divide(self, request: ReportRequest, error: ApiRefused) -> None:
        """A report that the server will not read at all: in halves, until what is wrong stands alone and goes to the dead letters."""
        first, second = halves(request)
        if second is None:
            self._bury(first, str(error))
            for item in first.states:
                await self._give_up(item)
            return
        await self._settle(first)
        await self._settle(second)

    async def _refused(self, refusal: Refusal, request: ReportRequest) -> None:
        run = self._registry.get(key_of(refusal.run_id, refusal.attempt))
        if refusal.reason in ("malformed", "too_large"):
            self._bury(_only(request, refusal), f"{refusal.reason}: {refusal.detail}")
        if run is None:
            return
        if refusal.reason in FENCING:
            await self._handler.refused(run, refusal)
        elif run.final is not None and refusal.stream == "state" and refusal.seq == run.final.seq:
            await self._give_up(run.final)

    async def _give_up(self, item: StateItem) -> None:
        run = self._registry.get(key_of(item.run_id, item.attempt))
        if run is not None and run.final is item:
            result = StateResult(run_id=item.run_id, attempt=item.attempt, seq=item.seq, type=item.type, name=item.name or "")
            await self._handler.stored(run, result)

    def _bury(self, request: ReportRequest, why: str) -> None:
        """Keeps what the server will never take, for a person to look at."""
        log.error("The server refused a report; it is kept beside the journal", why=why, file=str(self._dead_letters))
        letter = json.dumps({"why": why, "at_us": self._clock.now_us(), "report": request.model_dump(mode="json")}) + "\n"
        try:
            with self._dead_letters.open("a", encoding="utf-8") as file:
                file.write(letter)
        except OSError as error:
            log.error("It could not be kept", why=error.strerror)


def halves(request: ReportRequest) -> tuple[ReportRequest, ReportRequest | None]:
    """A report in two; the second is None when it holds one item alone. Logs come before states, so order is kept."""
    items = [
        *(LogBatch(run_id=batch.run_id, attempt=batch.attempt, lines=[line]) for batch in request.logs for line in batch.lines),
        *request.events,
        *request.tasks,
        *request.states,
    ]
    if len(items) <= 1:
        return request, None
    middle = len(items) // 2
    return _of(request, items[:middle]), _of(request, items[middle:])


def _of(request: ReportRequest, items: Sequence[LogBatch | EventItem | TaskItem | StateItem]) -> ReportRequest:
    part = ReportRequest(session=request.session)
    for item in items:
        match item:
            case StateItem():
                part.states.append(item)
            case TaskItem():
                part.tasks.append(item)
            case EventItem():
                part.events.append(item)
            case LogBatch() if part.logs and (part.logs[-1].run_id, part.logs[-1].attempt) == (item.run_id, item.attempt):
                part.logs[-1].lines.extend(item.lines)
            case LogBatch():
                part.logs.append(item)
    return part


def _only(request: ReportRequest, refusal: Refusal) -> ReportRequest:
    """What of the report a refusal speaks of."""
    same = (refusal.run_id, refusal.attempt)
    if refusal.stream == "state":
        states = [item for item in request.states if (item.run_id, item.attempt) == same and item.seq == refusal.seq]
        return ReportRequest(session=request.session, states=states)
    logs = [
        LogBatch(
            run_id=batch.run_id,
            attempt=batch.attempt,
            lines=[line for line in batch.lines if (line[0], line[1]) == (refusal.stream, refusal.seq)],
        )
        for batch in request.logs
        if (batch.run_id, batch.attempt) == same
    ]
    return ReportRequest(session=request.session, logs=logs)
