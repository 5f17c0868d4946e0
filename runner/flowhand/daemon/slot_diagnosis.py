"""Slots of concurrency limits that no lease vouches for: if whoever took them is gone, they stay taken until a person gives them back."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from flowhand.client.transport import httpx
from flowhand.daemon.finding import Finding, Level


def check_slots(http: httpx.Client) -> Iterator[Finding]:
    """Asks the API that answers there; nothing to say of one that does not know (another server than ours), or does not let us look."""
    answer = http.post("runner/slots", json={})
    if answer.status_code == 200:
        found: dict[str, list[dict[str, Any]]] = answer.json()
        yield from (_of_limit(limit) for limit in found["limits"])
        yield from (_of_run(run) for run in found["runs"])


def _of_limit(limit: dict[str, Any]) -> Finding:
    what = f"limit {limit['name']!r}"
    found = f"{limit['unleased']} of its {limit['limit']} slot(s) are held without a lease: nobody but who took them gives them back"
    left = limit["held"] - limit["unleased"]
    update = f"flowhand global-concurrency-limit update {shlex.quote(limit['name'])} --active-slots {left}"
    return Finding(Level.WARNING, what, found, f"if nobody uses them any more: {update}")


def _of_run(run: dict[str, Any]) -> Finding:
    what = f"limit of {run['deployment']!r}"
    found = f"run {run['name']!r} holds a slot without a lease, {run['state_name']} since {run['since']}: only its end gives it back"
    return Finding(Level.WARNING, what, found, f"if its process is gone: flowhand flow-run delete {run['id']}")
