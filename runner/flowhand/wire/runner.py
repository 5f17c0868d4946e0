"""Bodies of `/api/runner`, our own side of the API: sessions, claims, reports.

Durations are relative seconds (`lease_s`, `start_in_s`), because the clocks of two machines differ; stamps are microseconds since the
epoch, UTC. A reader ignores keys it does not know, so that either side may be the newer one. The rules are in docs/protocol.md.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from flowhand.wire.events import Event
from flowhand.wire.states import StateType

PROTOCOL: Final = 1
SECRET_HEADER: Final = "x-flowhand-session-secret"
MAX_REPORT_BYTES: Final = 1_000_000
MAX_WAIT_S: Final = 25.0

CrashPolicy = Literal["crash", "retry"]
Stream = Literal["channel", "stdout", "stderr", "daemon", "state"]
"""Where an item comes from. The first four carry log lines, `state` carries states; each counts for itself."""
Reason = Literal["stale_attempt", "superseded", "already", "terminal", "malformed", "too_large", "unknown_run"]
"""Why an item or a renewal was refused. The first two and `unknown_run` kill the child; the rest do not."""
FENCING: Final[frozenset[str]] = frozenset({"stale_attempt", "superseded", "unknown_run"})

Attempt = tuple[str, int]
"""(run id, attempt)"""
LogLine = tuple[Stream, int, int, int, str, str, str | None]
"""(stream, seq, stamp in microseconds, level, logger's name, message, task run id)"""
Mark = tuple[str, int, Stream, int]
"""(run id, attempt, stream, the highest seq that is stored)"""


class Body(BaseModel):
    """A body that tolerates what it does not know."""

    model_config = ConfigDict(extra="ignore", frozen=False)


class Supersedes(Body):
    """The session that a new one takes over from. Its secret proves that the home is the same."""

    session: str
    secret: str


class SessionRequest(Body):
    """Opens a session: one start of one daemon."""

    protocol: int = PROTOCOL
    kind: Literal["worker", "serve", "adhoc"]
    name: str
    version: str = ""
    host: str = ""
    pid: int = 0
    work_pool: str | None = None
    work_queues: list[str] = Field(default_factory=list)
    """Empty: every queue of the pool."""
    deployments: list[str] = Field(default_factory=list)
    """Ids; what a `serve` session claims."""
    slots: int = 1
    heartbeat_s: float = 10.0
    supersedes: Supersedes | None = None


class Lease(Body):
    """A lease that the session holds, as far as the server knows."""

    run_id: str
    attempt: int
    expires_in_s: float
    state_type: str
    provisional: bool = False
    """The reaper called it Crashed; a report within the grace makes it what it truly is."""


class SessionReply(Body):
    """The session, and the leases that came over from the superseded one."""

    protocol: int = PROTOCOL
    session: str
    secret: str
    server_id: str
    version: str
    worker_id: str | None = None
    work_pool_type: str | None = None
    lease_s: float
    margin_s: float
    grace_s: float
    heartbeat_s: float
    leases: list[Lease] = Field(default_factory=list)


class DeploymentBrief(Body):
    """What starting a run needs of its deployment."""

    id: str
    name: str
    version: str | None = None
    entrypoint: str | None = None
    path: str | None = None
    pull_steps: list[dict[str, Any]] | None = None
    storage_document_id: str | None = None
    """The block that code comes from, of a deployment without pull steps."""
    infrastructure_document_id: str | None = None
    """The block that says how the run is executed, where the work pool leaves that to the deployment."""


class RetryPolicy(Body):
    """How often and after how many seconds a failed run is tried again (contract 2.6)."""

    retries: int = 0
    retry_delay_s: float = 0.0


class ClaimedRun(Body):
    """A run under a new lease, with all that is needed to start it."""

    run_id: str
    attempt: int
    run_count: int
    name: str
    flow_id: str
    flow_name: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    labels: dict[str, Any] = Field(default_factory=dict)
    scheduled_us: int
    start_in_s: float
    """Seconds until its time; zero or less when it is due."""
    lease_s: float
    deployment: DeploymentBrief | None = None
    work_pool: str | None = None
    work_queue: str | None = None
    job: dict[str, Any] = Field(default_factory=dict)
    """The job configuration: the pool's template with the deployment's and the run's variables laid over it (contract 6.2, steps 1 to 5,
    and placeholders but for `{{ $ENV }}`, which the worker fills in)."""
    retry: RetryPolicy = Field(default_factory=RetryPolicy)
    crash_policy: CrashPolicy = "crash"
    interruptions: int = 0
    """How often it was interrupted before."""
    max_interruptions: int | None = None
    """How often it is begun again for that; the next interruption is its end. None: the server does not say so, and decides by itself."""

    @property
    def begins_again(self) -> bool:
        """Whether an interruption of this attempt, once it has begun, is not the run's end."""
        left = self.max_interruptions is None or self.interruptions < self.max_interruptions
        return self.crash_policy == "retry" and left


class Orders(Body):
    """What the server wants of the daemon. Repeated in each answer until it is done, so a lost answer costs nothing."""

    cancel: list[Attempt] = Field(default_factory=list)
    revoke: list[Attempt] = Field(default_factory=list)
    """Prefetched runs whose deployment, pool or queue was paused, changed or deleted: to be handed back if not begun."""
    drain: bool = False


class ClaimRequest(Body):
    """Asks for runs, and waits for them."""

    session: str
    last_claim: int = 0
    """The number of the last answer received; runs leased under a later number are answered again."""
    slots: int
    """At most so many runs; 0 waits for orders alone."""
    prefetch_s: float = 0.0
    """Runs due within so many seconds are given early."""
    wait_s: float = 0.0
    """How long the answer may wait, up to MAX_WAIT_S."""
    told: list[Attempt] = Field(default_factory=list[Attempt])
    """Orders to cancel or to revoke that have been received and are being carried out: no reason to answer at once."""
    run_id: str | None = None
    """Of an `adhoc` session: the one run that it asks for, whatever its time; it is given nothing else."""


class ClaimReply(Body):
    """Runs, orders, and why there is nothing."""

    claim: int
    runs: list[ClaimedRun] = Field(default_factory=list)
    orders: Orders = Field(default_factory=Orders)
    why: str | None = None
    """In words, when nothing can be given at all: `work pool 'x' is paused`."""


class StateItem(Body):
    """One state of one attempt."""

    run_id: str
    attempt: int
    seq: int
    type: str
    name: str | None = None
    message: str | None = None
    data: Any = None
    details: dict[str, Any] = Field(default_factory=dict)
    """Laid over the state's `state_details`."""
    at_us: int
    """When it happened, by the worker's clock; the server's own stamp decides the order."""
    retry: RetryPolicy | None = None
    """With Running: what the flow itself declares."""
    flow_version: str | None = None
    infrastructure_pid: str | None = None
    run_name: str | None = None
    usage: dict[str, float] | None = None
    """With a final state: cpu_s, peak_bytes, wall_s."""


class TaskItem(Body):
    """One state of one task run, as the flow's process told it."""

    run_id: str
    attempt: int
    seq: int
    at_us: int
    """When it happened, by the worker's clock."""
    id: str
    """The same on every attempt of the flow run."""
    name: str
    task_key: str
    dynamic_key: str
    tags: list[str] = Field(default_factory=list)
    state_id: str
    """By which a state that is told twice is stored once."""
    type: StateType
    state: str | None = None
    message: str | None = None


class EventItem(Body):
    """An event that a flow's process emitted."""

    run_id: str
    attempt: int
    seq: int
    event: Event
    """Stored once, by its id."""


class LogBatch(Body):
    """Log lines of one attempt, in order within each stream."""

    run_id: str
    attempt: int
    lines: list[LogLine]


class ReportRequest(Body):
    """The one way back. Logs are stored before states."""

    session: str
    renew: list[Attempt] = Field(default_factory=list)
    logs: list[LogBatch] = Field(default_factory=list)
    states: list[StateItem] = Field(default_factory=list)
    tasks: list[TaskItem] = Field(default_factory=list)
    events: list[EventItem] = Field(default_factory=list)
    metrics: dict[str, float] | None = None


class RetryHere(Body):
    """The server's word that the same worker tries again, in the same slot and under the same lease, as the next attempt."""

    attempt: int
    run_count: int
    start_in_s: float


class StateResult(Body):
    """What a state item became (an answer may differ from what was proposed: Failed becomes AwaitingRetry)."""

    run_id: str
    attempt: int
    seq: int
    type: str
    name: str
    retry_here: RetryHere | None = None


class Refusal(Body):
    """An item or a renewal that was not taken."""

    run_id: str
    attempt: int
    reason: Reason
    stream: Stream | None = None
    seq: int | None = None
    detail: str = ""


class ReportReply(Body):
    """Marks for what is stored, results for states, refusals with reasons, and orders."""

    marks: list[Mark] = Field(default_factory=list)
    states: list[StateResult] = Field(default_factory=list)
    refused: list[Refusal] = Field(default_factory=list)
    lost: list[Refusal] = Field(default_factory=list)
    """Renewals that were refused."""
    orders: Orders = Field(default_factory=Orders)
    lease_s: float = 60.0


class ReleaseRequest(Body):
    """Hands back runs that have not begun: they return to Scheduled with their own time. Under `retry` also such as were interrupted."""

    session: str
    runs: list[Attempt]
    reason: str = ""
    interrupted: bool = False
    """What they ran in went away, so it counts as an interruption of those that had not begun as well: one may be what ended it."""


class ReleaseReply(Body):
    """What was handed back, and what was not (with the reason)."""

    released: list[Attempt] = Field(default_factory=list)
    refused: list[Refusal] = Field(default_factory=list)


class CloseRequest(Body):
    """Ends a session that holds no lease any more."""

    session: str


class WatchRequest(Body):
    """Waits for news of a run: another state than the one known, or log lines behind the cursor."""

    flow_run_id: str
    state_id: str | None = None
    logs: bool = False
    logs_after: int = 0
    """Cursor from the last reply; 0: from the beginning."""
    wait_s: float = 0.0


class WatchedLine(Body):
    """One log line as a reader sees it."""

    cursor: int
    stamp_us: int
    level: int
    name: str
    message: str
    task_run_id: str | None = None


class WatchReply(Body):
    """The run as it is, what is new, and why it does not start."""

    flow_run_id: str
    name: str
    state_id: str | None
    state_type: str | None
    state_name: str | None
    message: str | None = None
    stamp_us: int | None = None
    terminal: bool = False
    why: str | None = None
    """While it waits: no live worker in the pool, paused, limit reached, late."""
    logs: list[WatchedLine] = Field(default_factory=list)
    logs_after: int = 0
