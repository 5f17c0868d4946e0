"""One attempt of one run: load, check the parameters, wait for its time, run, say how it ended.

The steps share one `Session`; each is small, and each failure has its own words. Retries are the server's matter: an attempt is run once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from flowhand.child.barrier import PermitWithdrawn, lease_is_over, take_permit, wait_until
from flowhand.child.channel import Channel
from flowhand.child.ending import end_frame, last_state, task_frame
from flowhand.child.place import directory_of, go_to, lay_environment
from flowhand.child.stopping import Stop
from flowhand.clock import EPOCH, Clock, SystemClock, to_datetime
from flowhand.errors import FlowLoadError, FlowTimeout, ParameterError, PullStepFailed
from flowhand.failpoints import fail_point
from flowhand.sdk.attempt import Attempt, execute, execute_async
from flowhand.sdk.context import RunContext, process
from flowhand.sdk.flow import Flow
from flowhand.sdk.flow_run import FlowRun
from flowhand.sdk.hooks import call_hook
from flowhand.sdk.interrupts import RunStopped
from flowhand.sdk.loading import load_flow
from flowhand.sdk.parameters import as_parameters, bind_parameters, validate
from flowhand.sdk.run_logging import logger_of
from flowhand.sdk.secrets import conceal
from flowhand.sdk.states import Crashed, Failed, Running, State
from flowhand.sdk.verdict import described, state_of_error
from flowhand.wire.job import NOT_BEGUN, Ended, Job

SAID: Final = 0
"""Exit code: the last word is said, whatever it was."""
UNSAID: Final = 1
"""Exit code: ended without a last word."""
STOPPED: Final = 143
"""Exit code (128 + SIGTERM): stopped for a reason that is the daemon's to tell."""
_TELLS: Final = frozenset({"cancel", "timeout"})
"""Reasons for a stop whose final state this process says itself; the others are the daemon's to tell."""
_ELSEWHERE: Final = frozenset({"fenced", "lease", "revoked"})
"""Reasons for a stop of a run that is somebody else's by now."""
_CUT_OFF: Final = frozenset({"drain", None})
"""Reasons for a stop after which a run is begun again, where its policy is `retry`; None: somebody else's SIGTERM."""
_CALLED_LATE: Final = ("on_cancellation", "on_crashed", "on_failure")
"""Hooks that another process calls when this one was killed before it could."""
_CHECKOUTS: Final = "/storage/checkouts/"
"""In the path of every checkout."""


@dataclass(slots=True)
class Session:
    """What the steps of one attempt share."""

    job: Job
    channel: Channel
    stop: Stop
    run: RunContext
    clock: Clock


def run_job(job: Job, channel: Channel, stop: Stop, clock: Clock | None = None) -> int:
    """Runs the attempt to its end and answers the exit code. Raises nothing. Of a run that has `ended`, only the hooks are called."""
    if "ended" in job:
        job["run_id"] = job["ended"]["run_id"]
    session = Session(job, channel, stop, _context(job), clock or SystemClock())
    process.run = session.run
    process.announce = lambda task_run: channel.send(task_frame(task_run, time.time_ns() // 1000))
    process.emit = lambda event: channel.send({"k": "event", "e": event})
    process.conceal = lambda secret: channel.acknowledged({"k": "secret", "v": secret})
    for secret in job.get("secrets", ()):
        conceal(secret)
    try:
        return _run(session)
    except RunStopped as stopped:
        return _end(session, state_of_error(stopped), stopped)
    except PermitWithdrawn:
        return NOT_BEGUN
    except PullStepFailed as error:
        return _end(session, Failed(message=f"The code could not be fetched: {error}", data=error), error)
    except FlowLoadError as error:
        return _end(session, Failed(message=f"The flow could not be loaded: {error}", data=error), error.__cause__ or error)
    except ParameterError as error:
        return _end(session, Failed(message=f"Validation of flow parameters failed: {error}", data=error), error)
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is told as a state and not lost
        return _end(session, Crashed(message=f"The run could not be started: {described(error)}", data=error), error)


def _run(session: Session) -> int:
    fail_point("starting")
    job = session.job
    lay_environment(job["env"])
    directory = directory_of(job["directory"], job["pull_steps"])
    go_to(directory or str(_pulled(session)))
    if directory is not None:
        _hold_code()
    flow = _load(session)
    attempt = _prepared(session, flow)
    if "ended" in job:
        return _hooks_alone(session, attempt, job["ended"])
    if not _may_begin(session, flow):
        return NOT_BEGUN
    fail_point("beginning")
    _begin(session, flow, attempt)
    fail_point("running")
    _execute(session, attempt)
    return _finish(session, flow, attempt)


def _hooks_alone(session: Session, attempt: Attempt, ended: Ended) -> int:
    # Here: nearly every run calls its hooks itself.
    from flowhand.child.late_hooks import call_late_hooks

    call_late_hooks(session.channel, attempt, ended)
    session.stop.deaf()
    return SAID


def _hold_code() -> None:
    """What is served from a source runs in a checkout, which must not be collected under it."""
    if _CHECKOUTS in os.getcwd():  # noqa: PTH109 - in every run, between the fork and the first line
        from flowhand.child.holding import hold_here  # here: for the few that need it

        hold_here()


def _pulled(session: Session) -> Path:
    # Here: most runs have no steps that fetch, and should not carry code storage in their warm image.
    from flowhand.child.pulling import pull

    return pull(session.job, session.run, session.channel)


def _load(session: Session) -> Flow[..., Any]:
    entrypoint = session.job["entrypoint"]
    if not entrypoint:
        raise FlowLoadError(f"deployment {session.job['deployment_name']!r} has no entrypoint; deploy the flow again")
    return load_flow(entrypoint)


def _prepared(session: Session, flow: Flow[..., Any]) -> Attempt:
    """The attempt with its arguments, bound and coerced."""
    job, run = session.job, session.run
    bound = bind_parameters(flow.signature, flow.name, job["parameters"])
    if flow.should_validate_parameters:
        validate(flow.name, bound, frozenset(job["parameters"]))
    run.flow = flow
    run.log_prints = bool(flow.log_prints)
    run.flow_run.parameters = as_parameters(bound)
    run.flow_run.flow_version = flow.version
    named = flow.run_name(run.flow_run.parameters)
    if named:
        run.flow_run.name = named
    return Attempt(flow, run, bound)


def _may_begin(session: Session, flow: Flow[..., Any]) -> bool:
    """Waits for the run's time; whether its lease has outlived that, and nobody withdraws it. `loaded` is said by those that are early or
    too late."""
    job, loaded = session.job, {"k": "loaded", "flow_version": flow.version}
    if job["start_at"] is not None:
        session.channel.send(loaded)
        wait_until(job["start_at"], session.clock)
    if lease_is_over(job["lease_until"], session.clock):
        session.channel.send(loaded)
        return False
    return take_permit(job.get("permit"))


def _begin(session: Session, flow: Flow[..., Any], attempt: Attempt) -> None:
    session.channel.send(
        {
            "k": "running",
            "t": time.time_ns() // 1000,
            "retries": flow.retries,
            "retry_delay_s": flow.retry_delay_seconds,
            "timeout_s": flow.timeout_seconds,
            "run_name": session.run.flow_run.name,
            "flow_version": flow.version,
            "wants": ["pydantic"] if "pydantic" in sys.modules else [],
            "hooks": [event for event in _CALLED_LATE if flow.hooks()[event]],
        }
    )
    attempt.enter_state(Running())
    _call_hooks(attempt)


def _execute(session: Session, attempt: Attempt) -> None:
    if attempt.what.is_async:
        asyncio.run(_on_loop(session, attempt))
    else:
        execute(attempt)
    if not session.channel.ours:
        _leave_fork(attempt.error)
    stopped = session.stop.latest()
    interrupted = isinstance(attempt.error, (asyncio.CancelledError, RunStopped))
    if stopped is not None and interrupted and stopped is not attempt.error:
        attempt.error = stopped
        attempt.enter_state(state_of_error(stopped))


def _leave_fork(error: BaseException | None) -> NoReturn:
    """A process that the flow forked came back to us: it ends as a program of its own would; the run is its parent's."""
    code = 0
    try:
        if error is not None:
            raise error
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException as crash:  # noqa: BLE001  # told as the interpreter tells it
        sys.excepthook(type(crash), crash, crash.__traceback__)
        code = 1
    os._exit(code)


async def _on_loop(session: Session, attempt: Attempt) -> None:
    task = asyncio.current_task()
    assert task is not None
    session.stop.cancels(asyncio.get_running_loop(), task)
    try:
        await execute_async(attempt)
    finally:
        session.stop.raises()


def _finish(session: Session, flow: Flow[..., Any], attempt: Attempt) -> int:
    """Hooks, then the last word. While the server has tries left, a failure is not the end, and no hook hears of it."""
    error = attempt.error
    if isinstance(error, Exception) and not isinstance(error, FlowTimeout):
        logger_of(attempt.run).error("Encountered an exception during execution:", exc_info=error)
    will_retry = attempt.state.is_failed() and session.job["run_count"] <= flow.retries
    if not will_retry and not _goes_on(session, error):
        if not attempt.state.is_completed() and attempt.what.hooks_for(attempt.state):
            session.channel.send({"k": "hooks"})  # if we are killed in one, nobody else calls them
        with contextlib.suppress(RunStopped):  # the hooks are cut short; how the flow ended stays true
            _call_hooks(attempt)
    return _end(session, attempt.state, error, persist=bool(flow.persist_result))


def _call_hooks(attempt: Attempt) -> None:
    for hook in attempt.what.hooks_for(attempt.state):
        call_hook(hook, attempt)


def _goes_on(session: Session, error: BaseException | None) -> bool:
    """Whether this end is not the run's: it belongs to somebody else by now, or is begun again."""
    if not isinstance(error, RunStopped):
        return False
    return error.why in _ELSEWHERE or (error.why in _CUT_OFF and session.job.get("crash_policy") == "retry")


def _end(session: Session, state: State, error: BaseException | None, *, persist: bool = False) -> int:
    """Says the last word, unless it is the daemon's. From here on SIGTERM just ends the process."""
    session.stop.over()
    session.run.log_prints = False  # what is printed from here on is the process's own
    if isinstance(error, RunStopped) and error.why not in _TELLS:
        session.stop.deaf()
        return STOPPED
    fail_point("ending")
    said = session.channel.send(end_frame(last_state(state), error, persist=persist))
    session.stop.deaf()
    return SAID if said else UNSAID


def _context(job: Job) -> RunContext:
    run = FlowRun(
        id=job["run_id"],
        name=job["name"],
        flow_id=job["flow_id"],
        flow_name=job["flow_name"],
        deployment_id=job["deployment_id"],
        deployment_name=job["deployment_name"],
        parameters=dict(job["parameters"]),
        tags=list(job["tags"]),
        labels=dict(job["labels"]),
        run_count=job["run_count"],
        expected_start_time=to_datetime(job["scheduled_us"]) if job["scheduled_us"] else EPOCH,
        work_pool_name=job["work_pool"],
        work_queue_name=job["work_queue"],
    )
    return RunContext(run, None, api_url=job["api_url"], api_file=job["api_file"])
