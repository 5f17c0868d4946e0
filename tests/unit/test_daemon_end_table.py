"""The end table, row by row."""

from __future__ import annotations

import pytest

from flowhand.daemon.end_table import Ending, LastWord, final_state
from flowhand.execution.launcher import Exit, Sizes, StopReason
from flowhand.wire.states import StateType

COMPLETED = LastWord("COMPLETED", "Completed", None, {"answer": 42})
FAILED = LastWord("FAILED", "Failed", "Flow run encountered an exception: ValueError: no")


def left(code: int | None = 0, **more: object) -> Exit:
    """An exit with unremarkable figures."""
    return Exit(code=code, signal=more.pop("signal", None), sizes=Sizes(), cpu_s=0.1, peak_bytes=1 << 20, wall_s=1.0, **more)  # type: ignore[arg-type]


ROWS = {
    "clean exit and Completed": (Ending(COMPLETED, left(), True), "COMPLETED", "Completed", ""),
    "clean exit and Failed": (Ending(FAILED, left(), True), "FAILED", "Failed", "ValueError: no"),
    "Completed, then a signal": (Ending(COMPLETED, left(None, signal=11), True), "COMPLETED", "Completed", "SIGSEGV"),
    "Completed, then a non-zero code": (Ending(COMPLETED, left(3), True), "COMPLETED", "Completed", "status code 3"),
    "Completed but not leaving": (Ending(COMPLETED, left(None, signal=9, killed=True), True), "COMPLETED", "Completed", "did not leave"),
    "Completed against Cancelling: what was said first wins": (
        Ending(COMPLETED, left(None, signal=15, stopped=StopReason.CANCEL), True),
        "COMPLETED",
        "Completed",
        "",
    ),
    "cancelled": (Ending(LastWord("CANCELLED"), left(stopped=StopReason.CANCEL), True), "CANCELLED", "Cancelled", "cancelled"),
    "cancelled and deaf": (
        Ending(None, left(None, signal=9, killed=True, stopped=StopReason.CANCEL), True),
        "CANCELLED",
        "Cancelled",
        "was killed",
    ),
    "cancelled before it began": (Ending(None, left(stopped=StopReason.CANCEL), False), "CANCELLED", "Cancelled", "before it began"),
    "timed out in the child": (
        Ending(LastWord("FAILED", "TimedOut", "Flow run exceeded timeout of 2 second(s)"), left(), True, timeout_s=2),
        "FAILED",
        "TimedOut",
        "2 second(s)",
    ),
    "timed out from outside": (
        Ending(None, left(None, signal=9, killed=True, stopped=StopReason.TIMEOUT), True, timeout_s=2),
        "FAILED",
        "TimedOut",
        "from outside",
    ),
    "exit 0 without a word": (Ending(None, left(0), True), "CRASHED", "Crashed", "left without a result"),
    "Failed, then too slow in leaving": (
        Ending(FAILED, left(None, signal=9, killed=True, stopped=StopReason.TIMEOUT), True, timeout_s=2),
        "FAILED",
        "Failed",
        "ValueError: no",
    ),
    "ended by somebody's SIGTERM": (Ending(None, left(143), True), "CRASHED", "Crashed", "SIGTERM, but not by its worker"),
    "revoked, but it had begun": (Ending(None, left(143, stopped=StopReason.REVOKED), True), "CRASHED", "Crashed", "status code 143"),
    "its last word lost on a full disk": (
        Ending(None, left(0), True, lost="No space left on device"),
        "CRASHED",
        "Crashed",
        "found no room on the worker's disk (No space left on device), maybe its end",
    ),
    "container out of memory": (
        Ending(None, left(None, signal=9), True, container="Out of memory: the kernel killed the container.", tail=["last"]),
        "CRASHED",
        "Crashed",
        "killed the container. After 1.0 s. Last output:\nlast",
    ),
    "container, and a full disk, and a program that could not be ended": (
        Ending(None, left(137, survivors=[41]), True, container="The container ended.", lost="No space left on device", tail=["last"]),
        "CRASHED",
        "Crashed",
        "device), maybe its end. After 1.0 s. 1 process(es) of it could not be ended: 41. Last output:\nlast",
    ),
    "exit code without a word": (Ending(None, left(7), True, tail=["boom"]), "CRASHED", "Crashed", "status code 7"),
    "killed by a signal": (Ending(None, left(None, signal=9), True), "CRASHED", "Crashed", "SIGKILL"),
    "out of memory for certain": (Ending(None, left(None, signal=9, oom="certain"), True), "CRASHED", "Crashed", "Out of memory"),
    "out of memory, probably": (Ending(None, left(None, signal=9, oom="probable"), True), "CRASHED", "Crashed", "Probably out of memory"),
    "lease lost": (Ending(None, left(None, signal=9, killed=True, stopped=StopReason.LEASE), True), "CRASHED", "Crashed", "lease was lost"),
    "vanished": (Ending(None, None, True, why="the keeper was killed"), "CRASHED", "Crashed", "vanished: the keeper was killed"),
    "vanished, and nothing is known of its beginning": (Ending(None, None, False, why="it was killed"), "CRASHED", "Crashed", "vanished"),
    "cancelled, exit not seen": (
        Ending(None, None, True, asked=StopReason.CANCEL, why="the keeper was killed"),
        "CANCELLED",
        "Cancelled",
        "Flow run was cancelled.",
    ),
    "cancelled, and its keeper told to end": (
        Ending(None, left(143, stopped=StopReason.DRAIN), True, asked=StopReason.CANCEL),
        "CANCELLED",
        "Cancelled",
        "Flow run was cancelled.",
    ),
    "to be revoked, exit not seen: it may have begun": (
        Ending(None, None, False, asked=StopReason.REVOKED, why="the keeper was killed"),
        "CRASHED",
        "Crashed",
        "vanished",
    ),
    "to be cancelled, but killed before": (
        Ending(None, left(None, signal=9), True, asked=StopReason.CANCEL),
        "CRASHED",
        "Crashed",
        "SIGKILL",
    ),
    "Completed, exit not seen": (Ending(COMPLETED, None, True, why="the keeper was killed"), "COMPLETED", "Completed", "not seen"),
    "drained in time": (Ending(COMPLETED, left(stopped=StopReason.DRAIN), True), "COMPLETED", "Completed", ""),
    "drained": (Ending(None, left(None, signal=15, stopped=StopReason.DRAIN), True), "CRASHED", "Crashed", "shut down"),
    "drained before it began": (Ending(None, left(None, signal=15, stopped=StopReason.DRAIN), False), None, "Scheduled", "handed back"),
    "its lease was over before it began": (Ending(None, left(75), False, late=True), None, "Scheduled", "lease was over"),
    "ended for its lease before it began": (
        Ending(None, left(None, signal=9, killed=True, stopped=StopReason.LEASE), False),
        None,
        "Scheduled",
        "handed back",
    ),
    "revoked before it began": (Ending(None, left(None, signal=15, stopped=StopReason.REVOKED), False), None, "Scheduled", "handed back"),
}


@pytest.mark.parametrize("row", ROWS, ids=list(ROWS))
def test_each_way_to_end_has_its_state_and_words(row: str) -> None:
    """A row of the table gives its type, its name, and a message a person understands."""
    ending, state_type, name, words = ROWS[row]
    outcome = final_state(ending)
    assert outcome.type == (StateType(state_type) if state_type else None)
    assert outcome.name == name
    assert words in outcome.message


def test_a_crash_tells_the_last_lines_of_output() -> None:
    """At most ten lines, the last ones."""
    tail = [f"line {number}" for number in range(20)]
    message = final_state(Ending(None, left(1), True, tail=tail)).message
    assert "line 19" in message
    assert "line 10" in message
    assert "line 9\n" not in message


def test_survivors_are_counted_and_named() -> None:
    """What could not be ended is said."""
    exit_ = left(None, signal=9, killed=True, stopped=StopReason.CANCEL, survivors=[41, 42])
    assert "2 process(es) of it could not be ended: 41, 42" in final_state(Ending(None, exit_, True)).message
