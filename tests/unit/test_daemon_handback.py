"""Handing back: sent until the server has heard it; and which leases nobody has started."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowhand.daemon.backoff import Backoff
from flowhand.daemon.follower import Follower
from flowhand.daemon.handback import HandBack, never_started
from flowhand.daemon.instance import Instance, Stamp
from flowhand.daemon.registry import Registry
from flowhand.daemon.run import Run
from flowhand.daemon.session import Session
from flowhand.errors import ApiRefused, ApiUnavailable, FlowhandError
from flowhand.wire.runner import ClaimedRun, Lease, ReleaseRequest, SessionRequest
from support.backends import MemoryBackend

pytestmark = pytest.mark.anyio


class Trouble:
    """What a server answers to the first releases."""

    def __init__(self, *answers: FlowhandError) -> None:
        self.answers = list(answers)
        self.sessions: list[str] = []

    def __call__(self, call: str, body: object) -> FlowhandError | None:
        if not isinstance(body, ReleaseRequest):
            return None
        self.sessions.append(body.session)
        return self.answers.pop(0) if self.answers else None


async def released(tmp_path: Path, trouble: Trouble) -> MemoryBackend:
    """A backend to which one run was handed back, through this trouble."""
    backend = MemoryBackend()
    backend.trouble = trouble
    stamp = Stamp("url", "", "", "", "machine", "boot", "ns", 1, 1.0)
    session = Session(backend, SessionRequest(kind="worker", name="w"), Instance(tmp_path, -1), stamp)
    await session.open(None)
    await HandBack(backend, session, lambda: Backoff(first_s=0.001)).release([("r", 1)], "because")
    return backend


async def test_an_outage_is_waited_for(tmp_path: Path) -> None:
    """Two requests fail, the third one is heard."""
    trouble = Trouble(ApiUnavailable("away"), ApiUnavailable("away"))
    backend = await released(tmp_path, trouble)
    assert backend.released == [("r", 1)]
    assert len(trouble.sessions) == 3


async def test_a_lost_session_is_opened_again_first(tmp_path: Path) -> None:
    """409: the same runs are handed back in the session that took the lost one's place."""
    trouble = Trouble(ApiRefused("superseded", 409, "superseded"))
    backend = await released(tmp_path, trouble)
    assert trouble.sessions == ["1", "2"]
    assert backend.released == [("r", 1)]


async def test_another_refusal_ends_it(tmp_path: Path) -> None:
    """The leases end by themselves then."""
    backend = await released(tmp_path, Trouble(ApiRefused("no", 422, "no")))
    assert backend.released == []


async def test_only_what_is_unknown_and_was_never_seen_running_has_never_started() -> None:
    """Known runs are kept, running ones are left to their leases; what waits, is being cancelled or was given up is handed back."""
    registry = Registry(2)
    known = ClaimedRun(
        run_id="known", attempt=1, run_count=1, name="n", flow_id="f", flow_name="flow", scheduled_us=0, start_in_s=0, lease_s=60
    )
    registry.add(Run(known, Follower("known.1", None), 1.0))  # type: ignore[arg-type]
    states = {"known": "PENDING", "waits": "PENDING", "cancelled": "CANCELLING", "given up": "CRASHED", "runs": "RUNNING"}
    leases = [Lease(run_id=name, attempt=1, expires_in_s=1, state_type=state) for name, state in states.items()]
    assert [run_id for run_id, _ in never_started(leases, registry)] == ["waits", "cancelled", "given up"]
