"""What a called flow says of itself, handed to the courier: states, and the lines of its loggers."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from typing import Any, Final

from flowhand.adhoc.calls import task_key_of
from flowhand.adhoc.cancelling import Cancellation
from flowhand.adhoc.courier import Courier
from flowhand.adhoc.log_lines import RunLines
from flowhand.adhoc.masking import Masking
from flowhand.adhoc.outbox import Item, Line, TaskTold, Told
from flowhand.adhoc.run import AdhocRun
from flowhand.adhoc.terminating import Termination
from flowhand.child.ending import end_frame, last_state, task_frame
from flowhand.client.address import Address
from flowhand.sdk.attempt import Attempt
from flowhand.sdk.context import process
from flowhand.sdk.flow import Flow
from flowhand.sdk.interrupts import RunStopped
from flowhand.sdk.run_logging import FLOW_RUNS, TASK_RUNS
from flowhand.sdk.task_run import TaskRun
from flowhand.sdk.verdict import state_of_error
from flowhand.settings import Settings
from flowhand.wire.runner import RetryPolicy
from flowhand.wire.states import StateType

TERMINATED_S: Final = 5.0
"""How long after SIGTERM, and after the flows' own code has ended, the API is waited for."""


class RunReporter:
    """Of one run; a `flowhand.sdk.reporter.Reporter`."""

    def __init__(self, courier: Courier, run: AdhocRun, local_id: str) -> None:
        self.courier = courier
        self.run = run
        self._local_id = local_id
        self._cancellation = Cancellation()
        self._termination = Termination()
        run.cancel = self._cancellation.strike

    def given_up(self, attempt: Attempt) -> None:
        _under_way.pop(self, None)
        if self._termination.struck:
            attempt.error = RunStopped(None)
        assert attempt.error is not None
        attempt.enter_state(state_of_error(attempt.error))
        if self.courier.pid == os.getpid():
            self.courier.give_up(self.run, _masking.of(Told(self._ending(attempt), last=True)))

    def began(self, attempt: Attempt) -> None:
        flow = self.run.flow
        retry = RetryPolicy(retries=flow.retries, retry_delay_s=flow.retry_delay_seconds)
        about = {"retry": retry, "flow_version": flow.version, "run_name": self.run.about.name, "infrastructure_pid": str(os.getpid())}
        self._tell(Told({"type": StateType.RUNNING, "at_us": _now_us(), **about}))
        self._cancellation.arm(attempt)
        self._termination.arm(attempt)

    def left(self, attempt: Attempt) -> None:
        self._termination.disarm(attempt)
        self._cancellation.disarm(attempt)

    def failed(self, attempt: Attempt) -> None:
        self._termination.pause()
        self._tell(Told(self._ending(attempt), tries_again=True))

    def ended(self, attempt: Attempt) -> None:
        self.left(attempt)
        self._tell(Told(self._ending(attempt), last=True))
        _under_way.pop(self, None)
        self._termination.over()

    def task(self, task_run: TaskRun) -> None:
        said = task_frame(task_run, _now_us())
        fields = {name: said[name] for name in ("id", "name", "task_key", "dynamic_key", "tags", "state_id", "type", "state", "message")}
        self._tell(TaskTold({"at_us": said["t"], **fields}))

    def settle(self) -> None:
        if self.courier.pid == os.getpid():
            if not self._termination.struck:  # else all is told at the end of the process, within one time
                self.courier.settle(self.run)
            self._termination.conclude(_leave_now)

    def tell_line(self, line: Line) -> None:
        """A log line of the run, or of one of its tasks."""
        self._tell(line)

    def forget(self) -> None:
        """The run is not executed after all."""
        self.courier.drop(self.run)
        _under_way.pop(self, None)

    def is_of(self, flow_run_id: str) -> bool:
        """Whether this is its run: by the API's id, or by the one that it had before the API knew of it."""
        return flow_run_id in (self._local_id, self.run.about.id)

    def _tell(self, item: Item) -> None:
        if self.courier.pid == os.getpid():  # a process that the flow forked has no courier, and its end is not the run's
            self.courier.tell(self.run, _masking.of(item))

    def _ending(self, attempt: Attempt) -> dict[str, Any]:
        said = end_frame(last_state(attempt.state), attempt.error, persist=bool(self.run.flow.persist_result))
        return {"at_us": _now_us(), **{name: said[name] for name in ("type", "name", "message", "data")}}


_masking: Final = Masking()
_under_way: Final[dict[RunReporter, None]] = {}
_couriers: Final[dict[tuple[int, Address], Courier]] = {}
_lock: Final = threading.Lock()


def begin(
    attempt: Attempt, address: Address, settings: Settings, parent: RunReporter | None, *, known_id: str | None = None
) -> RunReporter:
    """Makes the run known, or claims the known one; returns at the latest after some seconds, whether the API answered or not."""
    flow, about = attempt.what, attempt.run.flow_run
    assert isinstance(flow, Flow)
    above = attempt.run.parent
    key = above.next_key(task_key_of(flow)) if above is not None else "0"
    run = AdhocRun(flow, about, parent.run if parent else _workers_run(), key, known_id=known_id)
    courier = parent.courier if parent else _courier(address, settings)
    reporter = RunReporter(courier, run, about.id)
    _under_way[reporter] = None
    attempt.run.api_url = address.url
    attempt.run.reporter = reporter
    try:
        if attempt.error is None:
            courier.open(run)
    except BaseException as error:  # noqa: BLE001  # whatever interrupts the wait is raised below
        attempt.error = error
    if attempt.error is not None:
        reporter.given_up(attempt)
        raise attempt.error
    return reporter


def _workers_run() -> AdhocRun | None:
    run = process.run
    if run is None or not isinstance(run.flow, Flow):
        return None
    process.elsewhere = _is_told
    return AdhocRun.of_a_worker(run.flow, run.flow_run)


def _is_told(flow_run_id: str) -> bool:
    """Whether lines of this run go to the API from here."""
    return any(one.is_of(flow_run_id) and not one.run.over for one in tuple(_under_way))


def _courier(address: Address, settings: Settings) -> Courier:
    with _lock:
        found = _couriers.get((os.getpid(), address))
        if found is None:
            found = _couriers[os.getpid(), address] = Courier(address, settings)
            atexit.register(_leave, found)
            _listen(settings.log_level)
        return found


def _leave_now() -> None:
    """What is told has some seconds, in all."""
    by = time.monotonic() + TERMINATED_S
    for courier in tuple(_couriers.values()):
        if courier.pid == os.getpid():
            courier.leave_by(by)


def _leave(courier: Courier) -> None:
    if courier.pid == os.getpid():
        courier.leave()


def _listen(level: str) -> None:
    """The loggers of runs are heard at the level that is set, whatever the script does with its own loggers."""
    if any(isinstance(handler, RunLines) for handler in logging.getLogger(FLOW_RUNS).handlers):
        return
    handler = RunLines(_hand_over, level)
    for name in (FLOW_RUNS, TASK_RUNS):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        if not logger.level:
            logger.setLevel(level)


def _hand_over(flow_run_id: str, line: Line) -> None:
    reporter = next((one for one in tuple(_under_way) if one.is_of(flow_run_id)), None)
    if reporter is not None:
        reporter.tell_line(line)


def _now_us() -> int:
    return time.time_ns() // 1000
