"""What a run says of states: the `end` frame, its last word, and the `task` frames of its tasks. Pure functions."""

from __future__ import annotations

import json
import traceback
from typing import Any, Final

from flowhand.sdk.states import Failed, State
from flowhand.sdk.task_run import TaskRun
from flowhand.sdk.verdict import described
from flowhand.wire.states import StateType

_MAX_DATA: Final = 64 * 1024
"""Bytes of JSON up to which a result is kept with the state."""
_MAX_MESSAGE: Final = 8 * 1024
_MAX_TRACEBACK: Final = 64 * 1024
_MAX_FRAMES: Final = 100
"""Lines of a traceback's depth that are kept (of a recursion without end, the last ones)."""


def end_frame(state: State, error: BaseException | None, *, persist: bool) -> dict[str, Any]:
    """The `end` frame of a state. A result is kept when it is asked for and is simple JSON of reasonable size; else it is null."""
    return {
        "k": "end",
        "type": state.type.value,
        "name": state.name,
        "message": _shortened(state.message, _MAX_MESSAGE),
        "data": _simple(state.data) if persist and state.is_completed() else None,
        "error": None if error is None else error_of(error),
    }


def last_state(state: State) -> State:
    """A flow may return any state; one that is not final says what the author meant, and the run has ended all the same."""
    if state.is_final() or state.type == StateType.SCHEDULED:
        return state
    return Failed(message=f"The flow returned the state {state.name}, which does not end a run.")


def task_frame(task_run: TaskRun, now_us: int) -> dict[str, Any]:
    """The `task` frame of a task run's new state."""
    state = task_run.state
    return {
        "k": "task",
        "t": now_us,
        "id": task_run.id,
        "name": task_run.name,
        "task_key": task_run.task_key,
        "dynamic_key": task_run.dynamic_key,
        "tags": task_run.tags,
        "run_count": task_run.run_count,
        "state_id": state.id if state else None,
        "type": state.type.value if state else None,
        "state": state.name if state else None,
        "message": _shortened(state.message, _MAX_MESSAGE) if state else None,
    }


def error_of(error: BaseException) -> dict[str, str]:
    """Type, words and traceback of an exception."""
    message = described(error).removeprefix(f"{type(error).__name__}: ")
    return {
        "type": type(error).__qualname__,
        "message": _shortened(message, _MAX_MESSAGE) or "",
        "traceback": _shortened(traceback_of(error), _MAX_TRACEBACK) or "",
    }


def traceback_of(error: BaseException) -> str:
    """The traceback as the interpreter prints it, of our own frames nothing. Also for exceptions whose own methods raise."""
    try:
        return "".join(traceback.format_exception(error, limit=-_MAX_FRAMES))
    except Exception:  # noqa: BLE001  # user code: an exception's own __str__
        return "".join(traceback.format_tb(error.__traceback__, limit=-_MAX_FRAMES)) + described(error)


def _simple(value: Any) -> Any:
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None
    return value if len(text) <= _MAX_DATA else None


def _shortened(text: str | None, limit: int) -> str | None:
    """The beginning and the end of a long text; what UTF-8 cannot carry (lone surrogates) is escaped."""
    if text is None:
        return None
    text = text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters left out … {text[-half:]}"
