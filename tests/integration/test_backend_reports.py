"""The native backend's reports at a real server, beyond what it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowhand.backends.native import NativeBackend
from flowhand.client.address import Address
from flowhand.errors import ApiRefused
from flowhand.wire.runner import LogBatch, ReportRequest, SessionRequest
from support.server import running_server
from support.worker import Api

pytestmark = pytest.mark.anyio


async def test_a_report_beyond_all_measure_is_refused_not_lost(tmp_path: Path) -> None:
    """413, so that it is divided: a server that hangs up in the middle of it would look like one that is away, and be tried for ever."""
    with running_server(tmp_path / "server") as server:
        Api(server).pool("pool")
        backend = NativeBackend(Address(server.url, server.headers.get("Authorization")))
        session = await backend.open_session(SessionRequest(kind="worker", name="w", work_pool="pool"))
        line = ("channel", 1, 1, 20, "x", "x" * 64_000, None)
        request = ReportRequest(session=session.session, logs=[LogBatch(run_id="r", attempt=1, lines=[line] * 160)])
        with pytest.raises(ApiRefused) as refused:
            await backend.report(request)
        await backend.close()
    assert refused.value.status == 413
