"""One attempt as the daemon sees it, from its claim to the server's word that its end is stored.

    CLAIMED ──start──► STARTED ──running──► RUNNING ──exit──► ENDED ──final stored──► DONE
        └────────────── launch failed ──────────────────────────┘

A Run only keeps what is known and says what is to be reported; processes belong to the launcher, requests to the reporter.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from flowhand.daemon.end_table import Ending, LastWord, Outcome, final_state, stopped_for, told_by_others
from flowhand.daemon.follower import Follower, Frame
from flowhand.execution.launcher import Exit, StopReason
from flowhand.redaction import Redactor
from flowhand.wire.job import NOT_BEGUN, key_of, late_hooks_id
from flowhand.wire.runner import ClaimedRun, EventItem, LogLine, RetryPolicy, StateItem, Stream, TaskItem
from flowhand.wire.states import StateType

HOOKS: Final = {StateType.CRASHED: "on_crashed", StateType.CANCELLED: "on_cancellation", StateType.FAILED: "on_failure"}
"""Which hooks go with an end."""
_INTERRUPTIONS: Final = {
    StopReason.LEASE: "Interrupted: the worker was out of contact for too long",
    StopReason.DRAIN: "Interrupted: the worker shut down",
}
"""Stops that are no doing of the run's, nor anybody's who wanted its end."""
_TERMINATED: Final = "Interrupted: its process was told to end by SIGTERM, but not by its worker"
"""As a host does with every process before it goes down."""
_KEEPER_TOLD: Final = "Interrupted: the worker's keeper was told to end"
"""Before it began, by somebody else than its daemon: maybe by what the flow's file does when it is loaded."""


@dataclass(slots=True, eq=False)
class Run:
    """What is known of one attempt."""

    claimed: ClaimedRun
    follower: Follower
    lease_until: float
    """CLOCK_BOOTTIME seconds, counted from the moment the renewing request was sent."""
    marks: dict[str, int] = field(default_factory=dict[str, int])
    """What the server has stored already, from a daemon before us."""
    notes: deque[LogLine] = field(default_factory=deque[LogLine])
    """Lines of the daemon's own, not yet reported."""
    last_told: dict[Stream, str] = field(default_factory=dict[Stream, str])
    """The last line of each stream, unmasked: a secret may go on in the next one."""
    last_note: int = 0
    pid: int | None = None
    started: bool = False
    owner: int | None = None
    """The pid whose last word counts: the first that said `running`. Before that nobody else can speak."""
    loaded: bool = False
    """Our own child program has said that the flow is there: what it leaves with means what it means for us."""
    running: Frame | None = None
    word: LastWord | None = None
    container: str = ""
    """How its container ended, in words of the program that stands for it."""
    exit: Exit | None = None
    ended: bool = False
    why: str = ""
    """With no exit although ended: why."""
    unbegun: bool = False
    """With no exit: the flow's code had surely not begun."""
    lost: str = ""
    """Why something that it reported could not be kept, if so."""
    stopping: StopReason | None = None
    final: StateItem | None = None
    handed_back: bool = False
    read_ahead: bool = False
    """While the API was away it was looked whether hooks are to be called."""
    hooks_begun: bool = False
    """Its process has said that it calls the hooks that go with its end."""
    hooks_asked: bool = False
    """They are being called by another process, since its own was killed."""
    hooks_until: float | None = None
    """The CLOCK_BOOTTIME second at which their own time is over; None before this daemon had to do with them."""
    hooks_called: bool = False
    """That is over, whatever came of it."""
    late: list[Frame] = field(default_factory=list[Frame])
    """Events and states of tasks that came of them, not yet reported."""
    silenced: bool = False
    """The server refused this attempt: no more states are reported of it, only its lines."""

    @property
    def key(self) -> str:
        return key_of(self.claimed.run_id, self.claimed.attempt)

    @property
    def hooks_key(self) -> str:
        """What the process is started under that calls its hooks."""
        return key_of(late_hooks_id(self.claimed.run_id), self.claimed.attempt)

    @property
    def secrets(self) -> Redactor:
        """What its process has named as secret, and what its configuration holds."""
        return self.follower.secrets

    @property
    def began(self) -> bool:
        """Whether user code began."""
        return self.running is not None

    @property
    def calls_hooks(self) -> bool:
        """Whether another process is calling its hooks: it has ended, but its last report is not yet under way."""
        return self.hooks_asked and not self.hooks_called

    @property
    def title(self) -> str:
        """The run for people: flow and run name."""
        return f"{self.claimed.flow_name}/{self.claimed.name}"

    @property
    def interruption(self) -> str | None:
        """Why an attempt that has ended is to be begun again, and that is counted: what it ran in went away.

        Of one that may have begun its policy decides: what it said last may have died with its keeper, `running` among it, and only a
        permit that it has not taken says that it had not. None: this is its end, or it is handed back as if it had never been claimed.
        """
        return self._cause if self.claimed.begins_again or not self.began else None

    @property
    def _cause(self) -> str | None:
        """What interrupted it, if anything did."""
        if self.word is not None:
            return None
        surely_unbegun = not self.began and (self.exit is not None or self.unbegun)
        if self.claimed.crash_policy != "retry" and not surely_unbegun:
            return None
        if stopped_for(self.exit, self.stopping) is StopReason.CANCEL:
            return None
        if self.exit is None:
            return f"Interrupted: {self.why}" if self.why else None
        if self.exit.stopped is None:
            return _TERMINATED if self.claimed.crash_policy == "retry" and told_by_others(self.exit) else None
        if not self.began:
            return _KEEPER_TOLD if self.exit.stopped is StopReason.DRAIN and self.stopping is None else None
        return _INTERRUPTIONS.get(self.exit.stopped)

    def hear(self, frame: Frame) -> StateItem | None:
        """Takes a frame in; the state to be reported for it, if any."""
        kind = frame.body.get("k")
        if kind == "loaded":
            self.loaded = True
        if kind == "running" and self.running is None:
            self.running, self.owner = frame, frame.pid
            self.stopping = None if self.stopping is StopReason.REVOKED else self.stopping  # the keeper revokes nothing that has begun
            return self._running_item(frame)
        if kind == "hooks" and frame.pid == self.owner:
            self.hooks_begun = True
        if kind == "lost":
            self.lost = str(frame.body.get("why") or "")
        if self.owner is None or frame.pid in (self.owner, self.pid):
            self._hear_the_end(frame.body)
        return None

    def _hear_the_end(self, body: dict[str, Any]) -> None:
        if body.get("k") == "end" and self.word is None:
            self.word = LastWord(str(body["type"]), body.get("name"), body.get("message"), body.get("data"), body.get("error"))
        if body.get("k") == "container":
            self.container = str(body.get("message") or "")

    def task(self, frame: Frame) -> TaskItem | None:
        """The state of a task that a frame tells of; None when it tells of none, or the server has it."""
        if frame.body.get("k") != "task" or frame.seq <= self.marks.get("channel", 0):
            return None
        about = {"run_id": self.claimed.run_id, "attempt": self.claimed.attempt, "seq": frame.seq, "at_us": frame.body.get("t")}
        try:
            return TaskItem.model_validate(frame.body | about)
        except ValidationError:
            return None  # not of our own child program

    def event(self, frame: Frame) -> EventItem | None:
        """The event that a frame carries; None when it carries none, or the server has it."""
        if frame.body.get("k") != "event" or frame.seq <= self.marks.get("channel", 0):
            return None
        about = {"run_id": self.claimed.run_id, "attempt": self.claimed.attempt, "seq": frame.seq}
        try:
            return EventItem.model_validate({"event": frame.body.get("e"), **about})
        except ValidationError:
            return None  # not of our own child program

    def conclude(self, now_us: int) -> StateItem | None:
        """The final state of an attempt that has ended and whose files are read to their end; None when it is to be handed back."""
        outcome = self._outcome()
        if outcome.type is None or self.interruption:
            self.handed_back = True
            return None
        self.final = self._final_item(outcome, now_us)
        return self.final

    def owes_hooks(self) -> Outcome | None:
        """The end whose hooks its process could not call any more, though the flow has some; None when nobody is left to be told."""
        if self.running is None or self.word is not None or self.hooks_begun or self.hooks_called or self.interruption:
            return None
        outcome = self._outcome()
        tried_again = outcome.type == StateType.FAILED and self.claimed.run_count <= int(self.running.body.get("retries") or 0)
        named = outcome.type is not None and HOOKS.get(outcome.type) in (self.running.body.get("hooks") or ())
        return outcome if named and not tried_again else None

    def fail_to_start(self, message: str, now_us: int) -> StateItem:
        """The final state of an attempt whose process could not be started."""
        self.ended = True
        self.final = self._final_item(Outcome(StateType.CRASHED, "Crashed", f"The run's process could not be started: {message}"), now_us)
        return self.final

    def _outcome(self) -> Outcome:
        cause = self._cause if self.began and not self.claimed.begins_again else None
        if cause is not None:  # under `retry`, and the last one: without `retry` nothing that has begun is interrupted
            at_most = self.claimed.max_interruptions
            return Outcome(StateType.CRASHED, "Crashed", f"{cause}; it is not begun again (max_interruptions is {at_most}).")
        return final_state(
            Ending(
                word=self.word,
                exit=self.exit,
                began=self.began,
                late=self.loaded and not self.began and self.exit is not None and self.exit.code == NOT_BEGUN,
                timeout_s=self.running.body.get("timeout_s") if self.running else None,
                asked=self.stopping,
                why=self.why,
                container=self.container,
                lost=self.lost,
                tail=list(self.follower.last_lines),
            )
        )

    def _running_item(self, frame: Frame) -> StateItem:
        body = frame.body
        return StateItem(
            run_id=self.claimed.run_id,
            attempt=self.claimed.attempt,
            seq=frame.seq,
            type=StateType.RUNNING,
            at_us=int(body.get("t", 0)),
            retry=RetryPolicy(retries=int(body.get("retries") or 0), retry_delay_s=float(body.get("retry_delay_s") or 0)),
            flow_version=body.get("flow_version"),
            run_name=body.get("run_name"),
            infrastructure_pid=str(self.pid) if self.pid else None,
        )

    def _final_item(self, outcome: Outcome, now_us: int) -> StateItem:
        assert outcome.type is not None, "what is handed back has no final state"
        exit_ = self.exit
        usage = {"cpu_s": exit_.cpu_s, "peak_bytes": float(exit_.peak_bytes), "wall_s": exit_.wall_s} if exit_ else None
        return StateItem(
            run_id=self.claimed.run_id,
            attempt=self.claimed.attempt,
            # a host that crashed may have taken the end of the channel file with it
            seq=max(self.follower.channel_size, self.marks.get("state", 0)) + 1,
            type=outcome.type,
            name=outcome.name,
            message=outcome.message,
            data=outcome.data,
            at_us=now_us,
            usage=usage,
        )
