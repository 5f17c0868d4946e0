"""Whoever tells the API of a flow run that is called here and now, as the SDK sees him."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from flowhand.sdk.attempt import Attempt
    from flowhand.sdk.task_run import TaskRun


class Reporter(Protocol):
    """Of one run. None of these raises, whatever becomes of the API, and none but `settle` waits."""

    def given_up(self, attempt: Attempt) -> None:
        """The call was interrupted, by `attempt.error`, while its run was made known: it does not begin. Idempotent; in any thread."""
        ...

    def began(self, attempt: Attempt) -> None:
        """A try begins, in the calling thread (and on its loop, when there is one)."""
        ...

    def left(self, attempt: Attempt) -> None:
        """The try has left the flow's code, before its hooks are called. May put in how it was ended from outside."""
        ...

    def failed(self, attempt: Attempt) -> None:
        """A try failed, and another follows."""
        ...

    def ended(self, attempt: Attempt) -> None:
        """The run is in its last state, which may not have been `left`. May still put in how it was ended from outside."""
        ...

    def task(self, task_run: TaskRun) -> None:
        """One of its task runs is in another state."""
        ...

    def settle(self) -> None:
        """Returns once all that was told is stored, or the API is away; at most some seconds."""
        ...
