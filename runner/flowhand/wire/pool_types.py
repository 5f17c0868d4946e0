"""Types of work pools, the pools of older deployments, and whose worker executes what. Loads nothing."""

from __future__ import annotations

import shlex
from typing import Final

AGENTS: Final = "prefect-agent"
"""The type of pools that say nothing of how runs are executed: their deployments' infrastructure blocks do."""
EXECUTED: Final = frozenset({"process", "docker", AGENTS})
"""Types of pools whose runs our worker executes."""
AGENT_POOL: Final = "default-agent-pool"
"""The pool of older deployments, and of queues, that name none. Made on demand."""
KUBERNETES_POOL: Final = "default-kubernetes-pool"
"""The same for older deployments with a KubernetesJob block, which workers of the other do not execute."""


_WITHOUT_WORKERS: Final = (":push", ":managed")
"""How types of pools end whose runs no worker executes: the server hands them on."""


def worker_command(kind: str, pool: str) -> str | None:
    """What to type in a shell to start a worker for a pool of this type: ours, or Prefect's where ours does not execute it. None where
    there is no such worker."""
    if kind.endswith(_WITHOUT_WORKERS):
        return None
    program = "worker start" if kind in EXECUTED else "prefect worker start"
    return f"{program} --pool {shlex.quote(pool)}"
