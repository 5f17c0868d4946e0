"""What `flowhand worker drain` does and says."""

from __future__ import annotations

import sys

from flowhand.cli import names
from flowhand.cli.connection import api
from flowhand.client import work_pools
from flowhand.client.api import SyncApiClient
from flowhand.errors import ObjectNotFound


def drain_worker(name: str, pool: str | None) -> None:
    """Asks a worker that is online to drain. ObjectNotFound when there is none of that name, or one in several pools."""
    with api() as client:
        found = _pool_of(client, name, pool)
        client.send(work_pools.drain_worker(found, name))
    sys.stdout.write(f"Worker {name!r} of work pool {found!r} drains: it claims no more, and leaves when its runs have ended.\n")


def _pool_of(client: SyncApiClient, name: str, pool: str | None) -> str:
    pools = [names.work_pool(client, pool)["name"]] if pool else [one["name"] for one in client.run(work_pools.listed())]
    online = {one: [worker["name"] for worker in client.run(work_pools.workers(one, online=True))] for one in pools}
    having = [one for one, workers in online.items() if name in workers]
    if len(having) == 1:
        return having[0]
    if having:
        raise ObjectNotFound(f"workers named {name!r} are online in several work pools: {', '.join(having)}; choose one by --pool")
    known = sorted({worker for workers in online.values() for worker in workers})
    raise ObjectNotFound(f"no worker named {name!r} is online{names.hint(names.near(name, known), known, 'flowhand worker ls --online')}")
