"""Events that a run's process emitted, on their way into a report."""

from __future__ import annotations

from typing import Any

import pytest

from flowhand.daemon.follower import Follower, Frame
from flowhand.daemon.masking import Masking
from flowhand.daemon.reporter import halves
from flowhand.daemon.run import Run
from flowhand.execution.launcher import Channel
from flowhand.ids import new_id
from flowhand.redaction import Redactor
from flowhand.wire.runner import ClaimedRun, EventItem, LogBatch, ReportRequest


class NoFiles:
    """A launcher whose attempts have said nothing."""

    async def read(self, key: str, channel: Channel, offset: int, limit: int) -> bytes:
        """Nothing."""
        return b""


@pytest.fixture
def run() -> Run:
    claimed = ClaimedRun(
        run_id="r", attempt=3, run_count=1, name="r", flow_id="f", flow_name="flow", scheduled_us=0, start_in_s=0, lease_s=60
    )
    return Run(claimed, Follower("r.3", NoFiles()), 1e9)  # pyright: ignore[reportArgumentType]  # only its reading half is there


def frame(seq: int = 5, **event: Any) -> Frame:
    body = {"id": new_id(), "occurred": "2026-01-01T00:00:00Z", "event": "x", "resource": {"prefect.resource.id": "y"}}
    return Frame(seq, 1, {"k": "event", "e": body | event})


def test_a_frame_becomes_an_item_of_its_attempt(run: Run) -> None:
    """One that the server has is not said again; one that is no event of ours is passed over."""
    item = run.event(frame())
    assert item is not None
    assert (item.run_id, item.attempt, item.seq, item.event.event) == ("r", 3, 5, "x")
    run.marks["channel"] = 5
    assert run.event(frame()) is None
    assert run.event(frame(6)) is not None
    assert run.event(frame(7, resource={})) is None
    assert run.event(Frame(8, 1, {"k": "log", "m": "x"})) is None


def test_no_secret_leaves_in_an_event(run: Run) -> None:
    """Neither the worker's own nor one that the flow has named, however deep."""
    own = Redactor(["w0rker-s3cret"])
    run.secrets.add(["fl0w-s3cret"])
    payload = {"a": ["the w0rker-s3cret", {"b": "fl0w-s3cret!", "fl0w-s3cret": 1}]}
    item = run.event(frame(payload=payload, event="x.fl0w-s3cret", resource={"prefect.resource.id": "fl0w-s3cret"}))
    assert item is not None
    masked = Masking(own).event(run, item).event
    assert "s3cret" not in str(masked)
    assert masked.payload["a"][0].startswith("the ")


def test_a_report_is_divided_with_its_events(run: Run) -> None:
    """So that one that the server does not read does not take the others with it."""
    items = [EventItem(run_id="r", attempt=3, seq=n, event=frame().body["e"]) for n in range(3)]
    first, second = halves(
        ReportRequest(session="s", logs=[LogBatch(run_id="r", attempt=3, lines=[("channel", 1, 1, 20, "n", "m", None)])], events=items)
    )
    assert second is not None
    assert (len(first.logs), len(first.events), len(second.events)) == (1, 1, 2)
