"""`/logs` (contract 7)."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Body, Response
from fastapi.responses import StreamingResponse

from flowhand.clock import to_iso
from flowhand.wire.filters import LogQuery
from flowhand.wire.logs import Log, LogCreate
from flowhand_server.routes.context import Key, Now, StoreDep, check_limit, reply, shows
from flowhand_server.store import flow_run_reading, logs
from flowhand_server.store.store import Store

router = APIRouter(tags=["Logs"])


@router.post("/logs/", status_code=201)
async def add_logs(lines: Annotated[list[LogCreate], Body()], store: StoreDep) -> Response:
    """Stores lines."""
    await store.write(logs.add_logs, lines)
    return reply(None, 201)


@router.post("/logs/filter", responses=shows(list[Log]))
async def find_logs(query: LogQuery, store: StoreDep) -> Response:
    """Lines that fit."""
    check_limit(query.limit)
    return reply(await store.read(logs.find_logs, query))


@router.get("/flow_runs/{flow_run_id:uuid}/logs/download", response_class=StreamingResponse)
async def download_logs(flow_run_id: Key, store: StoreDep, now: Now) -> Response:
    """All lines of a run as CSV, read and sent piece by piece."""
    await store.read(flow_run_reading.read_flow_run, str(flow_run_id), now)
    headers = {"Content-Disposition": f'attachment; filename="{flow_run_id}-logs.csv"'}
    return StreamingResponse(_lines(store, str(flow_run_id)), media_type="text/csv", headers=headers)


async def _lines(store: Store, run_id: str) -> AsyncIterator[str]:
    columns = ["timestamp", "level", "flow_run_id", "task_run_id", "message"]
    yield _csv([columns])
    after = 0
    while rows := await store.read(logs.read_chunk, run_id, after):
        yield _csv([[to_iso(row["timestamp"]), *(row[name] for name in columns[1:])] for row in rows])
        after = rows[-1]["cursor"]


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
