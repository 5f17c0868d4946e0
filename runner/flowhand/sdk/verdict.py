"""What a flow's end means: from a value or an exception to a state. Pure functions."""

from __future__ import annotations

from flowhand.errors import FlowTimeout
from flowhand.sdk.futures import TaskFuture
from flowhand.sdk.interrupts import Interruption, RunStopped
from flowhand.sdk.states import Cancelled, Completed, Crashed, Failed, State
from flowhand.wire.states import StateName


def state_of_value(value: object) -> State:
    """The state of a run whose code returned. A state that it returned is the run's own; of several, and of futures, all count."""
    if isinstance(value, State):
        return value
    states = _states_in(value)
    if not states:
        return Completed(data=value)
    bad = [state for state in states if not state.is_completed()]
    if bad:
        return Failed(message=f"{len(bad)}/{len(states)} states failed.", data=bad[0].data)
    single = not isinstance(value, (list, tuple, set))
    return Completed(message="All states completed.", data=states[0].data if single else [state.data for state in states])


def _states_in(value: object) -> list[State]:
    """The states of a future, or of a collection of nothing but states and futures; else none."""
    items = list(value) if isinstance(value, (list, tuple, set)) else [value]
    states = [item if isinstance(item, State) else item.final_state if isinstance(item, TaskFuture) else None for item in items]
    return [state for state in states if state is not None] if all(states) else []


def state_of_error(error: BaseException, kind: str = "flow") -> State:
    """The state of a run whose code raised. `kind` is flow or task, for the words."""
    run = f"{kind.capitalize()} run"
    if isinstance(error, FlowTimeout):
        return Failed(name=StateName.TIMED_OUT, message=f"{run} {error}", data=error)
    if isinstance(error, RunStopped):
        return _stopped(error, run)
    if isinstance(error, SystemExit):
        return _left(error, run)
    if isinstance(error, Exception):
        return Failed(message=f"{run} encountered an exception: {described(error)}", data=error)
    if isinstance(error, KeyboardInterrupt):
        return Crashed(message=f"{run} was interrupted (KeyboardInterrupt).", data=error)
    if isinstance(error, Interruption):
        return Crashed(message=f"{run} was ended together with the run that called it.", data=error)
    return Crashed(message=f"{run} was ended by {described(error)}", data=error)


def described(error: BaseException) -> str:
    """`ValueError: words`, the type alone when it has no words, also when its own `__str__` fails."""
    kind = type(error).__name__
    try:
        words = str(error)
    except Exception:  # noqa: BLE001  # user code: an exception's own __str__
        return f"{kind} (its text cannot be shown)"
    return f"{kind}: {words}" if words else kind


def _stopped(error: RunStopped, run: str) -> State:
    if error.why == "cancel":
        return Cancelled(message=f"{run} was cancelled.", data=error)
    if error.why == "timeout":
        return Failed(name=StateName.TIMED_OUT, message=f"{run} exceeded its timeout.", data=error)
    return Crashed(message=f"{run} was stopped ({error.why or 'a termination signal'}).", data=error)


def _left(error: SystemExit, run: str) -> State:
    """`sys.exit()` in a flow: zero or nothing is a good end, text is what the interpreter would print."""
    if error.code in (None, 0):
        return Completed(message=f"{run} left by sys.exit().")
    if isinstance(error.code, int):
        return Failed(message=f"{run} left by sys.exit({error.code}).", data=error)
    return Failed(message=f"{run} left by sys.exit: {error.code}", data=error)
