"""The end table: from the child's last word and the way its process ended to the run's final state.

A pure function. Rows are tried from top to bottom, the first that fits wins; docs/state-machine.md prints them and a test holds both
together. Every message says what happened in words, then what is known: exit code or signal, memory, the last lines of output.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import Any, Final

from flowhand.execution.launcher import Exit, StopReason
from flowhand.wire.states import StateName, StateType

LAST_LINES: Final = 10
MOST_OUTPUT: Final = 2_000
_TERMINATED: Final = 128 + signal.SIGTERM
"""As our child program leaves, and a shell, when SIGTERM ended it."""


@dataclass(frozen=True, slots=True)
class LastWord:
    """What the child said before it left: its `end` frame."""

    type: str
    name: str | None = None
    message: str | None = None
    data: Any = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """All that is known when an attempt has ended."""

    word: LastWord | None
    exit: Exit | None
    """None: the keeper is gone and took the exit with it."""
    began: bool
    """Whether user code began."""
    late: bool = False
    """The child did not begin, because its lease was over."""
    asked: StopReason | None = None
    """What we asked its keeper to stop it for, whether or not that came to pass."""
    lost: str = ""
    """Why something that it reported could not be kept; '' when nothing was lost."""
    timeout_s: float | None = None
    why: str = ""
    """With no exit: why it is not known."""
    container: str = ""
    """How its container ended, as the program that stands for it says. Exit and figures are that program's then."""
    tail: list[str] = field(default_factory=list[str])
    """The last lines of its output."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The final state, or None as type when the attempt is to be handed back to Scheduled."""

    type: StateType | None
    name: str
    message: str
    data: Any = None


def final_state(ending: Ending) -> Outcome:
    """What the attempt's end means."""
    stopped = stopped_for(ending.exit, ending.asked)
    if ending.word is not None and ending.word.type == StateType.COMPLETED:
        return _completed(ending, ending.word)
    if stopped is StopReason.CANCEL:
        return Outcome(StateType.CANCELLED, StateName.CANCELLED, _cancelled(ending))
    if stopped in (StopReason.REVOKED, StopReason.LEASE) and not ending.began:
        return Outcome(None, StateName.SCHEDULED, "handed back before it began")
    if ending.word is not None:
        return _as_said(ending.word)
    if stopped is StopReason.TIMEOUT:
        return _timed_out(ending)
    if ending.late:
        return Outcome(None, StateName.SCHEDULED, "handed back: its lease was over before it began")
    if stopped is StopReason.DRAIN:
        return _drained(ending)
    return _crashed(ending)


def _completed(ending: Ending, word: LastWord) -> Outcome:
    note = word.message or "All states completed."
    exit_ = ending.exit
    if exit_ is None:
        note = f"{note} (its exit was not seen: {ending.why})"
    elif exit_.killed or exit_.signal is not None or exit_.code:
        note = f"{note} (then its process {how_it_left(exit_)})"
    return Outcome(StateType.COMPLETED, word.name or StateName.COMPLETED, note, word.data)


def _as_said(word: LastWord) -> Outcome:
    kind = StateType(word.type)
    return Outcome(kind, word.name or kind.value.capitalize(), word.message or "", word.data)


def _cancelled(ending: Ending) -> str:
    exit_ = ending.exit
    if not ending.began:
        return "Flow run was cancelled before it began."
    if exit_ is not None and exit_.killed:
        return "Flow run was cancelled; it did not end by itself within the grace and was killed." + _survivors(exit_)
    return "Flow run was cancelled." + (_survivors(exit_) if exit_ else "")


def _timed_out(ending: Ending) -> Outcome:
    limit = f" of {ending.timeout_s:g} second(s)" if ending.timeout_s else ""
    message = f"Flow run exceeded timeout{limit} and was stopped from outside."
    return Outcome(StateType.FAILED, StateName.TIMED_OUT, message + (_survivors(ending.exit) if ending.exit else ""))


def _drained(ending: Ending) -> Outcome:
    if not ending.began:
        return Outcome(None, StateName.SCHEDULED, "handed back: the worker shut down before it began")
    return Outcome(
        StateType.CRASHED, StateName.CRASHED, "The worker shut down and the run did not end within its drain time." + _output(ending)
    )


def _crashed(ending: Ending) -> Outcome:
    exit_ = ending.exit
    if exit_ is None:
        message = f"The run's process vanished: {ending.why}."
    elif exit_.stopped in (StopReason.LEASE, StopReason.FENCED):
        message = "The run was stopped because its lease was lost: the server could not be told in time that it was alive."
    elif ending.container:
        message = ending.container
    elif exit_.oom == "certain":
        message = f"Out of memory: the kernel killed the process at {_bytes(exit_.peak_bytes)}."
    elif exit_.oom == "probable":
        message = f"Probably out of memory: the process was killed by SIGKILL at {_bytes(exit_.peak_bytes)} with little memory left."
    elif exit_.signal is not None:
        message = f"The process was killed by {signal_name(exit_.signal)}."
    elif told_by_others(exit_):
        message = "The process was told to end by SIGTERM, but not by its worker (kill, or a host that goes down)."
    elif exit_.code == 0:
        message = "The process left without a result (os._exit, or its descriptors were closed)."
    else:
        message = f"The process exited with status code {exit_.code} without a result."
    lost = f" Some of what it reported found no room on the worker's disk ({ending.lost}), maybe its end." if ending.lost else ""
    return Outcome(StateType.CRASHED, StateName.CRASHED, message + lost + _figures(ending) + _output(ending))


def stopped_for(exit_: Exit | None, asked: StopReason | None) -> StopReason | None:
    """Why it was stopped. A cancellation that was asked for counts also where the exit was not seen, or another stop was faster."""
    if asked is StopReason.CANCEL and (exit_ is None or exit_.stopped is not None):
        return asked
    return exit_.stopped if exit_ else None


def told_by_others(exit_: Exit) -> bool:
    """Whether SIGTERM ended it that was not its worker's: `kill`, or a host that goes down."""
    return exit_.stopped is None and (exit_.code == _TERMINATED or exit_.signal == signal.SIGTERM)


def signal_name(number: int) -> str:
    """`SIGKILL` for 9; the number where the platform has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def how_it_left(exit_: Exit) -> str:
    """What its process did, as the rest of a sentence."""
    if exit_.killed:
        return "did not leave by itself and was killed"
    if exit_.signal is not None:
        return f"was killed by {signal_name(exit_.signal)}"
    return f"exited with status code {exit_.code}"


def _figures(ending: Ending) -> str:
    exit_ = ending.exit
    if exit_ is None:
        return ""
    if ending.container:
        return f" After {exit_.wall_s:.1f} s." + _survivors(exit_)
    return f" CPU {exit_.cpu_s:.2f} s, peak memory {_bytes(exit_.peak_bytes)}, after {exit_.wall_s:.1f} s." + _survivors(exit_)


def _survivors(exit_: Exit) -> str:
    if not exit_.survivors:
        return ""
    pids = ", ".join(str(pid) for pid in exit_.survivors)
    return f" {len(exit_.survivors)} process(es) of it could not be ended: {pids}."


def _output(ending: Ending) -> str:
    lines = ending.tail[-LAST_LINES:]
    text = "\n".join(lines)
    return f" Last output:\n{text[-MOST_OUTPUT:]}" if text.strip() else ""


def _bytes(count: int) -> str:
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
