"""What `flowhand worker ls` prints."""

from __future__ import annotations

from flowhand.cli import names
from flowhand.cli.connection import api
from flowhand.cli.formats import Format, write_json
from flowhand.cli.tables import Column, state_text, write_table
from flowhand.cli.times import ago
from flowhand.client import work_pools


def list_workers(pool: str | None, online: bool, output: Format) -> None:
    """The workers of a pool, or of all pools."""
    with api() as client:
        pools = [names.work_pool(client, pool)["name"]] if pool else [one["name"] for one in client.run(work_pools.listed())]
        found = [{**worker, "work_pool_name": one} for one in pools for worker in client.run(work_pools.workers(one, online=online))]
    if output is Format.JSON:
        return write_json(found)
    columns = [Column("NAME"), Column("WORK POOL"), Column("STATUS", fixed=True), Column("LAST HEARD OF", fixed=True)]
    rows = [
        (worker["name"], worker["work_pool_name"], state_text(worker.get("status")), ago(worker.get("last_heartbeat_time")))
        for worker in found
    ]
    return write_table(columns, rows, empty="There are no workers; `worker start --pool NAME` starts one.")
