"""What a daemon makes of what the one before it has left."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowhand.clock import SystemClock
from flowhand.daemon.journal import Journal
from flowhand.daemon.recovery import Recovered, recover
from flowhand.daemon.registry import Registry
from flowhand.execution.launcher import EVERYTHING, Held
from flowhand.execution.process import ProcessLauncher
from flowhand.wire.runner import ClaimedRun, StateItem

pytestmark = pytest.mark.anyio
KEY = "r.1"
CLAIMED = ClaimedRun(run_id="r", attempt=1, run_count=1, name="n", flow_id="f", flow_name="flow", scheduled_us=0, start_in_s=0, lease_s=60)
FINAL = StateItem(run_id="r", attempt=1, seq=9, type="COMPLETED", name="Completed", at_us=1)


async def recovered(folder: Path, journal: Journal) -> Recovered:
    """With a launcher that does not say how the attempt has ended, as one of containers whose engine is away."""
    held = [Held(KEY, 0, EVERYTHING, None)]
    return await recover(journal, ProcessLauncher(folder, {}), held, Registry(limit=1), SystemClock())


@pytest.mark.parametrize("final", [FINAL, None])
async def test_an_end_that_is_known_waits_for_nobody(tmp_path: Path, final: StateItem | None) -> None:
    """It is reported as it is in the journal; an attempt without one is followed to its end."""
    journal = Journal(tmp_path / "journal")
    journal.claimed(KEY, CLAIMED, 123.5)
    journal.started(KEY)
    if final is not None:
        journal.final(KEY, final)
    found = await recovered(tmp_path, journal)
    journal.close()
    (run,) = (*found.adopted, *found.ended)
    assert (run.ended, run.final, run in found.ended) == (final is not None, final, final is not None)
