"""One run that is called here and now: what is known of it at the API, and what it still has to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flowhand.adhoc.outbox import Batch, Item, Outbox
from flowhand.ids import new_id
from flowhand.sdk.flow import Flow
from flowhand.sdk.flow_run import FlowRun
from flowhand.wire.runner import Attempt, ReportReply


@dataclass(slots=True, eq=False)
class AdhocRun:
    """Belongs to the courier: read and written under its lock, but for what it does itself before others see it."""

    flow: Flow[..., object]
    about: FlowRun
    """As the flow's code sees it. Its id becomes the API's as soon as that is known."""
    parent: AdhocRun | None = None
    dynamic_key: str = "0"
    """Among the calls of this flow in the parent."""
    cancel: Callable[[], None] = lambda: None
    """Ends the flow's code."""
    known_id: str | None = None
    """A run that exists already, which this process executes."""
    key: str = field(default_factory=new_id)
    parent_task_run_id: str | None = None
    created: bool = False
    opening: bool = False
    """The API was asked for it."""
    given_up: bool = False
    """It was interrupted before it began. Its end is in the outbox."""
    outbox: Outbox = field(default_factory=Outbox)
    refusal: str | None = None
    """Why the API does not want to hear of it, in words."""
    over: bool = False
    """Nothing more is told of it: its end is stored, or the API does not want to hear of it."""

    @classmethod
    def of_a_worker(cls, flow: Flow[..., object], about: FlowRun) -> AdhocRun:
        """The run that a worker executes in this process: known, and reported by the worker; here it only calls others."""
        return cls(flow, about, created=True, over=True)

    @property
    def leased(self) -> bool:
        """Whether an attempt of it is ours."""
        return bool(self.outbox.attempt) and not self.over

    @property
    def attempt(self) -> Attempt:
        """The attempt that is ours."""
        return self.outbox.run_id, self.outbox.attempt

    @property
    def told(self) -> bool:
        """Whether nothing is left to tell."""
        return self.over or not self.outbox.waiting

    def add(self, item: Item) -> None:
        """One more thing to tell, in order."""
        if not self.over:
            self.outbox.waiting.append(item)

    def drop(self) -> None:
        """Nothing more is told of it."""
        self.over = True
        self.outbox.waiting.clear()

    def answered(self, batch: Batch, reply: ReportReply) -> None:
        """What a report became. After a failed try the answer names the attempt that follows; without one, the run has ended."""
        self.outbox.stored(batch)
        if batch.ends is None:
            return
        here = next(
            (s.retry_here for s in reply.states if s.run_id == self.outbox.run_id and s.attempt == self.outbox.attempt and s.retry_here),
            None,
        )
        if batch.ends.tries_again and here is not None:
            self.outbox.address(self.outbox.run_id, here.attempt)
        else:
            self.drop()
