"""The logger of a run, and `print` as log lines."""

from __future__ import annotations

import builtins
import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from flowhand.sdk.context import RunContext, current_run, require_run

ROOT: Final = "flowhand"
FLOW_RUNS: Final = "flowhand.flow_runs"
TASK_RUNS: Final = "flowhand.task_runs"


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose records know their run: `flow_run_id`, `flow_run_name` and `flow_name` are on each."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs

    def getChild(self, suffix: str) -> RunLogger:  # noqa: N802  # as the standard logger has it
        """A logger below this one, of the same run."""
        return RunLogger(self.logger.getChild(suffix), dict(self.extra or {}))


def get_run_logger(**extra: Any) -> RunLogger:
    """The logger of the current run; `extra` is added to each record. MissingContextError outside of runs."""
    return logger_of(require_run("get_run_logger()"), **extra)


def logger_of(run: RunContext, **extra: Any) -> RunLogger:
    """The logger of a run."""
    log = logging.getLogger(FLOW_RUNS if run.task_run is None else TASK_RUNS)
    log.disabled = False  # logging.config in user code disables the loggers that exist
    about = {"flow_run_id": run.flow_run.id, "flow_run_name": run.flow_run.name, "flow_name": run.flow_run.flow_name}
    if run.task_run is not None:
        about |= {"task_run_id": run.task_run.id, "task_run_name": run.task_run.name}
    return RunLogger(log, {**about, **extra})


def show_on_console() -> None:
    """Logs of runs go to stderr when nobody has set logging up: for flows that are called from a script."""
    log = logging.getLogger(ROOT)
    if log.handlers or logging.getLogger().handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(_ConsoleFormat())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


class _ConsoleFormat(logging.Formatter):
    """`12:00:00.123 | INFO    | flow run 'name' | message`"""

    def format(self, record: logging.LogRecord) -> str:
        flow_run, task_run = getattr(record, "flow_run_name", None), getattr(record, "task_run_name", None)
        whose = f"task run {task_run!r}" if task_run else f"flow run {flow_run!r}" if flow_run else record.name
        text = super().format(record)
        return f"{self.formatTime(record, '%H:%M:%S')}.{int(record.msecs):03} | {record.levelname:<7} | {whose} | {text}"


# --- print ----------------------------------------------------------------------------------------------------------------------------

_plain_print: Callable[..., None] = builtins.print


def catch_prints() -> None:
    """From now on `print` in a run with `log_prints` writes log lines; everywhere else it is as it was. Idempotent."""
    builtins.print = _print


def _print(*values: Any, sep: str | None = None, end: str | None = None, file: Any = None, flush: bool = False) -> None:
    run = current_run()
    if run is None or not run.log_prints or file not in (None, sys.stdout):
        _plain_print(*values, sep=sep, end=end, file=file, flush=flush)
        return
    text = (" " if sep is None else sep).join(map(str, values)) + (end or "")
    for line in text.splitlines() or [""]:
        logger_of(run).info("%s", line)
