"""The states of a report: each stored once, refused with a reason, or turned into what the rules make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from flowhand.wire.runner import Attempt, Reason, Refusal, ReportReply, RetryHere, RetryPolicy, StateItem, StateResult
from flowhand.wire.states import TERMINAL, StateName, StateType
from flowhand_server.orchestration.reported import decide_reported, leaves_worker, retries_here
from flowhand_server.orchestration.state import Decision, Proposal, RunFacts, propose

from .leases import Held, Holdings, adopt, end, grant
from .runs import Run, StateWriter
from .sessions import Session
from .texts import storable


@dataclass(slots=True)
class StateReport:
    """The states of one report. `store` fills in the reply and moves the marks in `known`."""

    conn: Connection
    opened: Session
    known: Holdings
    reply: ReportReply
    now: int
    ended: list[Attempt] = field(default_factory=list[Attempt])
    adopted: list[Attempt] = field(default_factory=list[Attempt])
    leased: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def store(self, items: list[StateItem], runs: Mapping[str, Run]) -> None:
        """Stores the states of these runs, which are locked, in the order in which they come."""
        writer = StateWriter(self.conn, self.now)
        for item in items:
            self._one(item, runs.get(item.run_id), writer)
        writer.flush()
        adopt(self.conn, self.adopted, self.now + self.opened.lease_us)
        end(self.conn, self.ended, self.now)
        grant(self.conn, self.leased)

    def _one(self, item: StateItem, run: Run | None, writer: StateWriter) -> None:
        held = self.known.held.get((item.run_id, item.attempt))
        if run is not None and held is not None and item.seq <= held.marks["state"]:
            self._answer(item, run, self._given_here(run, item))
            return
        reason = self._fence(run, held)
        if run is None or held is None or reason is not None:
            self._refuse(item, reason or "stale_attempt")
            return
        held.marks["state"] = item.seq
        held.changed = True
        decision = decide_reported(run.current, _proposal(item), self._facts(run), provisional=held.provisional)
        if isinstance(decision, str):
            self._refuse(item, decision)
            if leaves_worker(_proposal(item)):
                self.ended.append((item.run_id, item.attempt))
        else:
            self._enter(item, run, held, decision, writer)

    def _fence(self, run: Run | None, held: Held | None) -> Reason | None:
        if run is None:
            return "unknown_run"
        if held is None or held.attempt != run.attempt:
            return "stale_attempt"
        if held.session_id != self.opened.id:
            return "superseded"
        if not held.live and run.state_type not in TERMINAL:
            return "stale_attempt"
        return None

    def _facts(self, run: Run) -> RunFacts:
        return RunFacts(
            now=self.now,
            has_deployment=run.deployment_id is not None,
            is_subflow=run.parent_task_run_id is not None,
            run_count=run.progress.run_count,
            infrastructure_pid=run.infrastructure_pid,
            policy=run.policy,
            leased=True,
        )

    def _enter(self, item: StateItem, run: Run, held: Held, decision: Decision, writer: StateWriter) -> None:
        _take_over(item, run)
        here: RetryHere | None = None
        if decision.state is not None:
            state = writer.enter(run, decision.state, decision.policy)
            if state.type is StateType.SCHEDULED:
                run.infrastructure_pid = None  # what waits for its next try has no process that a cancel would have to stop
            if leaves_worker(state):
                self.ended.append((item.run_id, item.attempt))
            elif held.provisional:
                self.adopted.append((item.run_id, item.attempt))
            if self._tries_here(state):
                here = self._retry_here(run, held, writer)
        self._answer(item, run, here)

    def _tries_here(self, state: Proposal) -> bool:
        """Whether the next try stays under this session: one that is due at once, and any of a script, since nobody else has its flow."""
        if self.opened.kind == "adhoc":
            return state.name == StateName.AWAITING_RETRY
        return retries_here(state, self.now) and not self.opened.drain

    def _retry_here(self, run: Run, held: Held, writer: StateWriter) -> RetryHere:
        """The next attempt, under a lease of its own from the first moment, so that nobody else can come in between."""
        due = run.progress.next_scheduled_start_time or self.now
        scheduled_time = run.current.details.get("scheduled_time") if run.current else None
        run.attempt += 1
        run.infrastructure_pid = None
        message = "Trying again on the same worker."
        writer.enter(run, Proposal(StateType.PENDING, "Pending", message, None, {"scheduled_time": scheduled_time}))
        self.leased.append(
            {
                "flow_run_id": run.id,
                "attempt": run.attempt,
                "session_id": self.opened.id,
                "claim": 0,
                "deployment_id": run.deployment_id,
                "claimed_at": self.now,
                "due": due,
                "expires_at": self.now + self.opened.lease_us,
                "crash_policy": held.crash_policy,
                "max_interruptions": held.max_interruptions,
            }
        )
        return RetryHere(attempt=run.attempt, run_count=run.progress.run_count + 1, start_in_s=max(0.0, (due - self.now) / 1_000_000))

    def _given_here(self, run: Run, item: StateItem) -> RetryHere | None:
        """The next try that an earlier answer gave, for a report that comes again because that answer was lost."""
        following = self.known.held.get((run.id, item.attempt + 1))
        if following is None or not following.current or not following.live or following.session_id != self.opened.id:
            return None
        if item.type != StateType.FAILED or run.state_type != StateType.PENDING:
            return None
        due = run.current.scheduled_us if run.current else None
        now = max(self.now, run.progress.state_timestamp or 0)  # the clock may have been set back since
        wait = max(0.0, ((due or now) - now) / 1_000_000)
        return RetryHere(attempt=following.attempt, run_count=run.progress.run_count + 1, start_in_s=wait)

    def _answer(self, item: StateItem, run: Run, here: RetryHere | None) -> None:
        entered = ("SCHEDULED", "AwaitingRetry") if here else (run.progress.state_type or "", run.progress.state_name or "")
        result = StateResult(run_id=item.run_id, attempt=item.attempt, seq=item.seq, type=entered[0], name=entered[1], retry_here=here)
        self.reply.states.append(result)

    def _refuse(self, item: StateItem, reason: Reason) -> None:
        self.reply.refused.append(Refusal(run_id=item.run_id, attempt=item.attempt, reason=reason, stream="state", seq=item.seq))


def _proposal(item: StateItem) -> Proposal:
    message = storable(item.message) if item.message else item.message
    return propose(item.type, item.name, message, item.data, item.details)


def _take_over(item: StateItem, run: Run) -> None:
    """What a state says of its run beside the state."""
    if item.retry is not None:
        run.policy = {**run.policy, **_retry_policy(item.retry)}
    if item.infrastructure_pid is not None:
        run.infrastructure_pid = item.infrastructure_pid
    run.flow_version = item.flow_version or run.flow_version
    run.name = item.run_name or run.name
    run.usage = item.usage or run.usage


def _retry_policy(retry: RetryPolicy) -> dict[str, Any]:
    # the contract's `retry_delay` is whole seconds; a finer one stands in `retry_delay_seconds` alone
    delay = retry.retry_delay_s
    return {"retries": retry.retries, "retry_delay": int(delay) if delay == int(delay) else None, "retry_delay_seconds": delay}
