"""What a crew says of a service in trouble: each trouble once, and its end."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from flowhand_server.services.crew import Crew
from flowhand_server.store.errors import StoreUnavailable

pytestmark = pytest.mark.anyio


class Troubled:
    """Goes through its troubles, one a round, then is well."""

    name = "troubled"

    def __init__(self, *troubles: Exception) -> None:
        self._troubles = list(troubles)
        self.well = asyncio.Event()

    async def round(self) -> float:
        if self._troubles:
            raise self._troubles.pop(0)
        self.well.set()
        return 60.0


async def test_a_trouble_is_said_once_and_its_end_once() -> None:
    """A full disk is one line without a traceback, however long it lasts; a defect comes with its traceback."""
    full, defect = StoreUnavailable("flowhand.db: the disk is full"), ValueError("a mistake")
    service = Troubled(full, full, full, defect, defect)
    crew = Crew([service], try_again_s=0.0)
    with capture_logs() as said:
        await crew.start()
        await asyncio.wait_for(service.well.wait(), 5)
        await crew.stop()
    assert [(line["event"], line.get("error"), line.get("exc_info")) for line in said] == [
        ("a round failed; it is tried again and again", str(full), None),
        ("a round failed; it is tried again and again", str(defect), defect),
        ("its rounds succeed again", None, None),
    ]
