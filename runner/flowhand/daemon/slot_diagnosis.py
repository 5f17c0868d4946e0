"""Slots of concurrency limits that no lease vouches for: if whoever took them is gone, they stay taken until a person gives them back."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel, ValidationError

from flowhand.client.transport import httpx
from flowhand.daemon.finding import Finding, Level

_NOT_TOLD: Final = frozenset({401, 403, 404, 405})


class _Limit(BaseModel):
    name: str
    limit: int
    held: int
    unleased: int


class _Run(BaseModel):
    id: str
    name: str
    deployment: str
    state_name: str
    since: str


class _Slots(BaseModel):
    limits: list[_Limit]
    runs: list[_Run]


def check_slots(http: httpx.Client) -> Iterator[Finding]:
    """Asks the API that answers there; nothing to say of one that does not know (another server than ours), or does not let us look. That
    they cannot be learnt is a finding of its own."""
    try:
        answer = http.post("runner/slots", json={})
        if answer.status_code in _NOT_TOLD:
            return
        found = _Slots.model_validate_json(answer.raise_for_status().content)
    except httpx.HTTPStatusError as error:
        yield _unknown(f"the API answers {error.response.status_code}", "the server's log says why")
    except httpx.HTTPError as error:
        yield _unknown(f"no answer: {type(error).__name__}", "ask again when the server has less to do")
    except ValidationError:
        yield _unknown("what answers is not flowhand's API", "FLOWHAND_API_URL has to be that of the server itself")
    else:
        yield from (_of_limit(limit) for limit in found.limits)
        yield from (_of_run(run) for run in found.runs)


def _unknown(why: str, advice: str) -> Finding:
    return Finding(Level.WARNING, "slots", f"which of them are held without a lease cannot be learnt: {why}", advice)


def _of_limit(limit: _Limit) -> Finding:
    found = f"{limit.unleased} of its {limit.limit} slot(s) are held without a lease: nobody but who took them gives them back"
    update = f"flowhand global-concurrency-limit update {shlex.quote(limit.name)} --active-slots {limit.held - limit.unleased}"
    return Finding(Level.WARNING, f"limit {limit.name!r}", found, f"if nobody uses them any more: {update}")


def _of_run(run: _Run) -> Finding:
    found = f"run {run.name!r} holds a slot without a lease, {run.state_name} since {run.since}: only its end gives it back"
    return Finding(Level.WARNING, f"limit of {run.deployment!r}", found, f"if its process is gone: flowhand flow-run delete {run.id}")
