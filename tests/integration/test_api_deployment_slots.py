"""Leases of foreign clients over their deployment's slots (contract 5.7), against a real server."""

from __future__ import annotations

from typing import Any

import pytest

from support.rest import Rest

RENEWS = {"User-Agent": "prefect/3.9.1 (API 0.8.4)"}
OLDER = {"User-Agent": "prefect/3.4.10 (API 0.8.4)"}
LEASES = "/v2/concurrency_limits/leases"


def _propose(rest: Rest, run: dict[str, Any], kind: str, name: str | None = None, headers: dict[str, str] = RENEWS) -> dict[str, Any]:
    state = {"type": kind, "name": name or kind.capitalize()}
    return rest.http.post(f"/flow_runs/{run['id']}/set_state", json={"state": state}, headers=headers).json()


def _lease(answer: dict[str, Any]) -> str | None:
    assert answer["status"] == "ACCEPT", answer
    return answer["state"]["state_details"]["deployment_concurrency_lease_id"]


def _used(rest: Rest, deployment: dict[str, Any]) -> int:
    return rest.read(f"/deployments/{deployment['id']}")["global_concurrency_limit"]["active_slots"]


def _renew(rest: Rest, lease: str | None) -> int:
    return rest.post(f"{LEASES}/{lease}/renew", lease_duration=300).status_code


@pytest.fixture
def deployment(rest: Rest) -> dict[str, Any]:
    """One run at a time."""
    return rest.deployment(concurrency_limit=1)


def test_a_lease_goes_with_the_run_from_pending_to_its_end(rest: Rest, deployment: dict[str, Any]) -> None:
    """The same one through all states that hold the slot, gone afterwards."""
    run, other = rest.run(deployment), rest.run(deployment)
    lease = _lease(_propose(rest, run, "PENDING"))
    assert lease
    assert _lease(_propose(rest, run, "PENDING", "Submitting")) == lease
    assert _lease(_propose(rest, run, "RUNNING")) == lease
    assert _renew(rest, lease) == 204
    assert _propose(rest, other, "PENDING")["state"]["name"] == "AwaitingConcurrencySlot"
    assert _lease(_propose(rest, run, "COMPLETED")) is None
    assert _renew(rest, lease) == 410
    assert _lease(_propose(rest, other, "PENDING")) not in {None, lease}


def test_a_slot_is_kept_between_two_tries(rest: Rest, deployment: dict[str, Any]) -> None:
    """While a client's process waits to try again nobody else begins."""
    run, other = rest.run(deployment, empirical_policy={"retries": 1, "retry_delay": 0}), rest.run(deployment)
    _propose(rest, run, "PENDING")
    lease = _lease(_propose(rest, run, "RUNNING"))
    assert _propose(rest, run, "FAILED")["state"]["name"] == "AwaitingRetry"
    assert _used(rest, deployment) == 1
    assert _renew(rest, lease) == 204
    assert _propose(rest, other, "PENDING")["status"] == "REJECT"
    assert _lease(_propose(rest, run, "RUNNING", "Retrying")) == lease
    _propose(rest, run, "FAILED")
    assert _used(rest, deployment) == 0


@pytest.mark.parametrize("headers", [OLDER, {"User-Agent": "curl/8"}, {"User-Agent": "prefect/2.20.26 (API 0.8.4)"}])
def test_clients_that_do_not_renew_hold_their_slot_without_a_lease(rest: Rest, deployment: dict[str, Any], headers: dict[str, str]) -> None:
    """One until they begin, none from then on, and the slot until the end."""
    run, other = rest.run(deployment), rest.run(deployment)
    lease = _lease(_propose(rest, run, "PENDING", headers=headers))
    assert lease
    assert _lease(_propose(rest, run, "RUNNING", headers=headers)) is None
    assert _renew(rest, lease) == 410
    assert _propose(rest, other, "PENDING")["status"] == "REJECT"


def test_a_deployment_without_a_limit_has_no_leases(rest: Rest) -> None:
    """Nor does a client make up its own."""
    run = rest.run(rest.deployment())
    state = {"type": "PENDING", "state_details": {"deployment_concurrency_lease_id": run["id"]}}
    answer = rest.http.post(f"/flow_runs/{run['id']}/set_state", json={"state": state}, headers=RENEWS).json()
    assert _lease(answer) is None
