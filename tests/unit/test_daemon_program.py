"""What a worker says while it starts."""

from __future__ import annotations

from structlog.testing import capture_logs

from flowhand.daemon.options import ServeOptions, WorkerOptions
from flowhand.daemon.program import TOLD_EVERY, Waiting, plan_serve, plan_worker
from flowhand.daemon.slots import explain
from flowhand.errors import ApiUnavailable
from flowhand.settings import Settings


def test_a_limit_that_somebody_set_is_not_called_the_machines() -> None:
    """The option and the setting count as set; only without both it is the machine's, with the word that changes it."""
    given, unset = Settings(worker_limit=4), Settings()
    assert explain(plan_worker(WorkerOptions("p", limit=3), unset)) == "3 at once"
    assert explain(plan_worker(WorkerOptions("p"), given)) == "4 at once"
    assert "--limit" in explain(plan_worker(WorkerOptions("p"), unset))
    assert "serve(limit=" in explain(plan_serve(ServeOptions([], "s"), unset))


def test_the_period_of_plain_polls_comes_from_serve_or_the_setting() -> None:
    """`query_seconds` wins."""
    settings = Settings(worker_poll=7.0)
    assert plan_serve(ServeOptions([], "s", poll_s=3.0), settings).poll_s == 3.0
    assert plan_serve(ServeOptions([], "s"), settings).poll_s == 7.0
    assert plan_worker(WorkerOptions("p"), settings).poll_s == 7.0


def test_a_worker_that_waits_for_its_api_does_not_fill_the_log() -> None:
    """The first try is told at once, then one in so many."""
    waiting = Waiting()
    with capture_logs() as said:
        for _ in range(2 * TOLD_EVERY):
            waiting.tell(ApiUnavailable("connection refused"), 1.0)
    assert [line["tries"] for line in said] == [1, TOLD_EVERY, 2 * TOLD_EVERY]
