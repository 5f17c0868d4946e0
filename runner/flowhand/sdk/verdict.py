"""What a flow's end means: from a value or an exception to a state. Pure functions."""

from __future__ import annotations

from flowhand.errors import FlowTimeout
from flowhand.sdk.interrupts import Interruption, RunStopped
from flowhand.sdk.states import Cancelled, Completed, Crashed, Failed, State
from flowhand.wire.states import StateName


def state_of_value(value: object) -> State:
    """The state of a run whose flow returned. A state that it returned is the run's own."""
    if isinstance(value, State):
        return value
    return Completed(data=value)


def state_of_error(error: BaseException) -> State:
    """The state of a run whose flow raised."""
    if isinstance(error, FlowTimeout):
        return Failed(name=StateName.TIMED_OUT, message=f"Flow run {error}", data=error)
    if isinstance(error, RunStopped):
        return _stopped(error)
    if isinstance(error, SystemExit):
        return _left(error)
    if isinstance(error, Exception):
        return Failed(message=f"Flow run encountered an exception: {described(error)}", data=error)
    if isinstance(error, KeyboardInterrupt):
        return Crashed(message="Flow run was interrupted (KeyboardInterrupt).", data=error)
    if isinstance(error, Interruption):
        return Crashed(message="Flow run was ended together with the run that called it.", data=error)
    return Crashed(message=f"Flow run was ended by {described(error)}", data=error)


def described(error: BaseException) -> str:
    """`ValueError: words`, the type alone when it has no words, also when its own `__str__` fails."""
    kind = type(error).__name__
    try:
        words = str(error)
    except Exception:  # noqa: BLE001  # user code: an exception's own __str__
        return f"{kind} (its text cannot be shown)"
    return f"{kind}: {words}" if words else kind


def _stopped(error: RunStopped) -> State:
    if error.why == "cancel":
        return Cancelled(message="Flow run was cancelled.", data=error)
    if error.why == "timeout":
        return Failed(name=StateName.TIMED_OUT, message="Flow run exceeded its timeout.", data=error)
    return Crashed(message=f"Flow run was stopped ({error.why or 'a termination signal'}).", data=error)


def _left(error: SystemExit) -> State:
    """`sys.exit()` in a flow: zero or nothing is a good end, text is what the interpreter would print."""
    if error.code in (None, 0):
        return Completed(message="Flow run left by sys.exit().")
    if isinstance(error.code, int):
        return Failed(message=f"Flow run left by sys.exit({error.code}).", data=error)
    return Failed(message=f"Flow run left by sys.exit: {error.code}", data=error)
