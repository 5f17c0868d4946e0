"""The hooks of a run whose process can call them no more: it was killed. A fresh process loads the flow anew and calls them."""

from __future__ import annotations

from flowhand.child.channel import Channel
from flowhand.sdk.attempt import Attempt
from flowhand.sdk.hooks import call_hook
from flowhand.sdk.run_logging import catch_prints
from flowhand.sdk.states import State
from flowhand.wire.job import Ended
from flowhand.wire.states import StateType


def call_late_hooks(channel: Channel, attempt: Attempt, ended: Ended) -> None:
    """Calls them, once the keeper has filed that they are being called: whatever is killed from here on, they are not called again."""
    attempt.enter_state(State(type=StateType(ended["type"]), name=ended["name"], message=ended["message"]))
    if attempt.run.log_prints:
        catch_prints()
    channel.acknowledged({"k": "late_hooks"})
    for hook in attempt.what.hooks_for(attempt.state):
        call_hook(hook, attempt)
