"""The door that a called flow goes through: no API in sight and nothing heavy is loaded, or a reporter for its run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowhand.adhoc.where import api_in_sight, settings_in_force
from flowhand.sdk.context import RunContext, process
from flowhand.sdk.run_logging import show_on_console

if TYPE_CHECKING:
    from flowhand.adhoc.run_reporter import RunReporter
    from flowhand.sdk.attempt import Attempt
    from flowhand.settings import Settings


def reporter_of(attempt: Attempt) -> RunReporter | None:
    """The reporter of a run that is called here and now, which is then known to the API when that answers; None when there is no API.

    A flow that is called by another one goes the way that the other went; in a worker's run, the way to the worker's API.
    ConfigurationError, ServerUnusable: the settings are wrong.
    """
    parent = attempt.run.parent
    if parent is not None and parent.reporter is None and not _is_workers(parent):
        return None
    settings = settings_in_force() if process.run is None else _settings_of_the_worker()
    address = api_in_sight(settings)
    if address is None:
        return None
    from flowhand.adhoc.run_reporter import begin  # the API's client: only where there is an API

    show_on_console()
    return begin(attempt, address, settings, _reporter_above(parent))


def _settings_of_the_worker() -> Settings:
    from flowhand.sdk.api import api_settings  # the API's client: only where there is an API

    return api_settings()


def _is_workers(run: RunContext) -> bool:
    return process.run is not None and run.flow_run is process.run.flow_run and run.api_file is not None


def _reporter_above(parent: RunContext | None) -> RunReporter | None:
    from flowhand.adhoc.run_reporter import RunReporter

    return parent.reporter if parent is not None and isinstance(parent.reporter, RunReporter) else None
