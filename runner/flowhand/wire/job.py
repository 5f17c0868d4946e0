"""The job: all that a run's process is told. Made by the daemon, carried by the keeper, read by the child. Standard library only."""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypedDict

NOT_BEGUN: Final = 75
"""Exit code of a child (EX_TEMPFAIL, sysexits.h) whose lease was over, or whose permit was withdrawn, before user code began."""
YIELDS_TO_CANCEL: Final = ("drain", "revoked")
"""Reasons for a stop after which a run would be begun again or be called Crashed: whoever cancels it meanwhile wants neither."""

HANDOVER: Final = "FLOWHAND__HANDOVER"
"""In a container's environment: the folder that its job and its channel come through."""
JOB_FILE: Final = "job"
CHANNEL_FILE: Final = "channel"
API_FILE: Final = "api.json"


class Container(TypedDict):
    """What an attempt's container is made of; the words of a docker pool's job template."""

    image: str
    command: list[str]
    name: str
    env: dict[str, str]
    labels: dict[str, str]
    image_pull_policy: str | None
    registry_credentials: dict[str, Any] | None
    networks: list[str]
    network_mode: str | None
    volumes: list[str]
    mem_limit: str | None
    memswap_limit: str | None
    privileged: bool
    auto_remove: bool


class Prepared(TypedDict):
    """What a run's process hands to itself when it executes another interpreter after its pull steps."""

    held: list[str]
    """Folders of code storage that are in use."""
    folder: str | None
    """A folder that was made for this run and goes with it."""


class Ended(TypedDict):
    """How a run ended whose process was killed before it could call its hooks."""

    run_id: str
    """The run's own id; the job's is `late_hooks_id` of it."""
    type: str
    name: str
    message: str


class Job(TypedDict):
    """One attempt of one run. Plain JSON; unknown keys are ignored, so that an older keeper can carry a newer daemon's job.

    Times named `*_us` are microseconds since the epoch (UTC); times named `*_at` are CLOCK_BOOTTIME seconds, which every process of one
    boot reads alike.
    """

    run_id: str
    attempt: int
    run_count: int
    """How often the run has entered Running, this time included (contract 4.3)."""
    name: str
    flow_id: str
    flow_name: str
    deployment_id: str | None
    deployment_name: str | None
    entrypoint: str | None
    """`path/to/file.py:qualified.name`, `package.module:name` or `package.module.name`."""
    directory: str | None
    """Where the code is and the run's working directory; None: the folder the daemon runs in."""
    pull_steps: list[dict[str, Any]]
    parameters: dict[str, Any]
    tags: list[str]
    labels: dict[str, Any]
    scheduled_us: int
    start_at: float | None
    """User code does not begin before; None: at once."""
    lease_until: float | None
    """The margin is already taken off: a child whose time this is past does not begin."""
    env: dict[str, str | None]
    """Laid over the keeper's environment; None removes."""
    command: list[str] | None
    """The user's own command in place of our child program."""
    python: str | None
    """Another interpreter than the daemon's."""
    log_level: int
    api_url: str
    api_file: str | None
    """A 0600 file with {url, authorization}, read only when the flow asks for the API."""
    work_pool: str | None
    work_queue: str | None
    worker: str
    mark: str
    """The value of FLOWHAND__MARK in the environment of everything that belongs to this attempt."""
    redelivered: bool
    """Whether this attempt follows one that was interrupted (not one that failed)."""
    crash_policy: NotRequired[Literal["crash", "retry"]]
    """Under `retry` an attempt that is cut off is begun again, so no hook hears of it. Missing: `crash`."""
    secrets: NotRequired[list[str]]
    """Texts in `env` and `command` that came out of blocks: the child names them before it does anything else."""
    container: NotRequired[Container]
    """The attempt is executed in a container; `directory` and the entrypoint are its own."""
    ended: NotRequired[Ended]
    """Nothing is run: the hooks are called that go with this end."""
    permit: NotRequired[str | None]
    """Set by the keeper alone: the path of the permit to begin (`keeper.permits`)."""
    prepared: NotRequired[Prepared]
    """Set by the child alone: the pull steps are behind it."""


def key_of(run_id: str, attempt: int) -> str:
    """How an attempt is named in files and tables: `<run id>.<attempt>`."""
    return f"{run_id}.{attempt}"


_LATE_HOOKS: Final = "-hooks"


def late_hooks_id(run_id: str) -> str:
    """What stands for the run in the key of the process that calls its hooks afterwards."""
    return run_id + _LATE_HOOKS


def run_of_late_hooks(key: str) -> str | None:
    """The key of the attempt whose hooks a process calls; None when it is an attempt itself."""
    run_id, attempt = parse_key(key)
    return key_of(run_id.removesuffix(_LATE_HOOKS), attempt) if run_id.endswith(_LATE_HOOKS) else None


def parse_key(key: str) -> tuple[str, int]:
    """The reverse of `key_of`. ValueError for anything else."""
    run_id, dot, attempt = key.rpartition(".")
    if not dot or not run_id:
        raise ValueError(f"{key!r} is not <run id>.<attempt>")
    return run_id, int(attempt)
