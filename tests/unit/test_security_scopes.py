"""Which scope a request needs: every route of the contract, by hand."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute

from flowhand_server.access.scopes import Scope, covers, needed
from flowhand_server.routes.api import ROUTERS

ID = "0194c2a0-0000-7000-8000-000000000001"


def routes() -> list[tuple[str, str]]:
    """Method and path of every route."""
    found: list[tuple[str, str]] = []
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                found += [(method, f"/api{route.path}") for method in route.methods or ()]
            elif isinstance(route, APIWebSocketRoute):
                found.append(("WEBSOCKET", f"/api{route.path}"))
    return found


def test_only_the_servers_own_settings_need_admin() -> None:
    """A route that nobody thought of would be among them."""
    closed = {(method, path) for method, path in routes() if needed(method, path) is Scope.ADMIN}
    assert closed == {("GET", "/api/admin/settings"), ("PUT", "/api/admin/storage"), ("DELETE", "/api/admin/storage")}


@pytest.mark.parametrize(
    ("scope", "requests"),
    [
        (
            Scope.READ,
            [
                "GET /api/flow_runs/ID",
                "POST /api/flow_runs/filter",
                "POST /api/flow_runs/ID/input/filter",
                "POST /api/artifacts/latest/count",
                "POST /api/events/count-by/day",
                "POST /api/ui/flows/next-runs",
                "POST /api/runner/watch",
                "POST /api/runner/slots",
                "WEBSOCKET /api/events/out",
                "WEBSOCKET /api/logs/out",
                "GET /docs",
            ],
        ),
        (
            Scope.RUN,
            [
                "POST /api/runner/session",
                "POST /api/runner/claim",
                "POST /api/flows/",
                "POST /api/flow_runs/",
                "PATCH /api/flow_runs/ID",
                "POST /api/flow_runs/ID/set_state",
                "POST /api/flow_runs/ID/input",
                "DELETE /api/flow_runs/ID/input/key",
                "POST /api/task_runs/",
                "POST /api/logs/",
                "POST /api/events",
                "WEBSOCKET /api/events/in",
                "WEBSOCKET /api/work_pools/p/workers/connect",
                "POST /api/deployments/ID/create_flow_run",
                "POST /api/deployments/ID/create_flow_run/bulk",
                "POST /api/deployments/get_scheduled_flow_runs",
                "POST /api/work_pools/p/get_scheduled_flow_runs",
                "POST /api/work_pools/p/workers/heartbeat",
                "POST /api/v2/concurrency_limits/increment-with-lease",
                "POST /api/v2/concurrency_limits/leases/ID/renew",
                "DELETE /api/variables/name/v",
                "POST /api/block_documents/",
            ],
        ),
        (
            Scope.DEPLOY,
            [
                "POST /api/deployments/",
                "PATCH /api/deployments/ID",
                "POST /api/deployments/ID/schedules",
                "POST /api/work_pools/",
                "DELETE /api/work_pools/p",
                "POST /api/work_pools/p/queues",
                "POST /api/v2/concurrency_limits/",
                "POST /api/automations/",
                "DELETE /api/flows/ID",
                "DELETE /api/flow_runs/ID",
                "DELETE /api/task_runs/ID",
                "POST /api/flow_runs/bulk_delete",
            ],
        ),
        (Scope.ADMIN, ["PUT /api/admin/storage", "GET /api/admin/settings", "POST /api/something/new", "TRACE /api/something"]),
    ],
)
def test_what_each_scope_is_for(scope: Scope, requests: list[str]) -> None:
    """The requests that define them."""
    for request in requests:
        method, path = request.replace("ID", ID).split()
        assert needed(method, path) is scope, request


def test_what_scopes_imply() -> None:
    """Who may change may look; only admin may do all."""
    allowed = {held: {need for need in Scope if covers([held], need)} for held in Scope}
    assert allowed == {
        Scope.READ: {Scope.READ},
        Scope.RUN: {Scope.READ, Scope.RUN},
        Scope.DEPLOY: {Scope.READ, Scope.DEPLOY},
        Scope.ADMIN: set(Scope),
    }
    assert not covers([], Scope.READ)
