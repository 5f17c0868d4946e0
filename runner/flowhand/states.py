"""States that a flow may return, and that calls answer with `return_state=True`."""

from flowhand.sdk.states import Cancelled, Completed, Crashed, Failed, Pending, Running, State
from flowhand.wire.states import StateType

__all__ = ["Cancelled", "Completed", "Crashed", "Failed", "Pending", "Running", "State", "StateType"]
