"""Scopes of API keys, and which one a request needs.

| scope | may |
| --- | --- |
| read | look at everything but the secrets of blocks |
| run | what workers, flows and whoever starts runs do: claim, report, start and end runs, write logs, events, artifacts, blocks, … |
| deploy | make, change and delete deployments, schedules, work pools, queues, limits, automations; delete flows and runs |
| admin | all of it, and the server's own settings |

`run` and `deploy` can look as well. What is listed nowhere needs `admin`, so a new route is closed until somebody thought of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    RUN = "run"
    DEPLOY = "deploy"
    ADMIN = "admin"


EVERYTHING: Final = frozenset({Scope.ADMIN})
_IMPLIED: Final = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.RUN: frozenset({Scope.RUN, Scope.READ}),
    Scope.DEPLOY: frozenset({Scope.DEPLOY, Scope.READ}),
    Scope.ADMIN: frozenset(Scope),
}

_READING: Final = frozenset(
    {"filter", "count", "paginate", "history", "lateness", "validate", "concurrency_status", "watch", "status", "slots"}
)
"""Last words of a POST that only looks."""
_RUNNING: Final = frozenset(
    {
        "create_flow_run",
        "get_scheduled_flow_runs",
        "get_runs",
        "heartbeat",
        "connect",
        "increment",
        "decrement",
        "increment-with-lease",
        "decrement-with-lease",
        "renew",
    }
)
"""Last words of what workers and flows ask of things that only `deploy` may change."""
_READ_NOUNS: Final = frozenset({"ui", "templates", "task_workers", "collections"})
_RUN_NOUNS: Final = frozenset(
    {"flow_runs", "task_runs", "logs", "events", "artifacts", "variables", "block_types", "block_schemas", "block_documents", "runner"}
)
_DEPLOY_NOUNS: Final = frozenset(
    {
        "flows",
        "deployments",
        "work_pools",
        "work_queues",
        "concurrency_limits",
        "v2",
        "automations",
        "flow_run_notification_policies",
        "saved_searches",
    }
)


def covers(held: Iterable[Scope], needed: Scope) -> bool:
    """Whether somebody with these scopes may do what needs that one."""
    return any(needed in _IMPLIED[scope] for scope in held)


def needed(method: str, path: str) -> Scope:
    """The scope that a request needs. `method` is WEBSOCKET for a websocket; `path` is the whole one."""
    if not path.startswith("/api/"):
        return Scope.READ  # the documentation and the pages
    noun, *rest = path.removeprefix("/api/").rstrip("/").split("/")
    last = rest[-1] if rest else ""
    if method == "GET" or (method == "HEAD"):
        return Scope.ADMIN if (noun, last) == ("admin", "settings") else Scope.READ
    if method == "WEBSOCKET":
        return Scope.READ if last == "out" else Scope.RUN
    if noun in _READ_NOUNS or (method == "POST" and (last in _READING or rest[:1] == ["count-by"])):
        return Scope.READ
    return _to_change(method, noun, rest, last)


def _to_change(method: str, noun: str, rest: list[str], last: str) -> Scope:
    if noun in _RUN_NOUNS:
        history_goes = last == "bulk_delete" or (method == "DELETE" and noun in {"flow_runs", "task_runs"} and len(rest) == 1)
        return Scope.DEPLOY if history_goes else Scope.RUN
    if method == "POST" and (last in _RUNNING or rest[-2:] == ["create_flow_run", "bulk"] or (noun == "flows" and not rest)):
        return Scope.RUN
    return Scope.DEPLOY if noun in _DEPLOY_NOUNS else Scope.ADMIN
