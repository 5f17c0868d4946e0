"""`flowhand doctor` on slots that no lease vouches for."""

from __future__ import annotations

from pathlib import Path

from support.cli import environment, flowhand
from support.rest import Rest
from support.runner_api import Api
from support.server import RunningServer

OLDER = {"User-Agent": "prefect/3.4.10 (API 0.8.4)"}
RENEWS = {"User-Agent": "prefect/3.9.1 (API 0.8.4)"}
LIMITS = "/v2/concurrency_limits"


def _found(rest: Rest, tmp_path: Path, *names: str) -> dict[str, tuple[str, str]]:
    """What it has to say of limits with these words in their names, by name."""
    findings = flowhand("doctor", "-o", "json", env=environment(tmp_path, rest.url)).json
    return {one["what"]: (one["found"], one["advice"]) for one in findings if any(name in one["what"] for name in names)}


def test_slots_of_a_global_limit_without_a_lease_are_told(rest: Rest, tmp_path: Path) -> None:
    """Of five, one is leased and two are not; what it says to do gives the two back and keeps the one."""
    rest.made(f"{LIMITS}/", {"name": "of the database", "limit": 5})
    rest.made(f"{LIMITS}/", {"name": "a rate of the database", "limit": 5, "slot_decay_per_second": 0.001})
    rest.made(f"{LIMITS}/increment-with-lease", {"names": ["of the database"], "slots": 1})
    assert _found(rest, tmp_path, "database") == {}
    rest.made(f"{LIMITS}/increment", {"names": ["of the database", "a rate of the database"], "slots": 2})
    (found,) = _found(rest, tmp_path, "database").items()
    assert (found[0], "2 of its 5 slot(s)" in found[1][0]) == ("limit 'of the database'", True), found
    command = ["global-concurrency-limit", "update", "of the database", "--active-slots", "1"]
    assert found[1][1].endswith("flowhand global-concurrency-limit update 'of the database' --active-slots 1")
    assert flowhand(*command, env=environment(tmp_path, rest.url)).code == 0
    assert _found(rest, tmp_path, "database") == {}
    assert rest.read(f"{LIMITS}/of the database")["active_slots"] == 1


def test_a_run_that_holds_its_deployments_slot_without_a_lease_is_told(rest: Rest, tmp_path: Path) -> None:
    """One that an older client has begun, but not one whose client renews a lease; deleted, it has given its slot back."""
    older, newer = rest.deployment(concurrency_limit=1), rest.deployment(concurrency_limit=1)
    runs: dict[str, str] = {}
    for deployment, headers in ((older, OLDER), (newer, RENEWS)):
        runs[deployment["id"]] = run = rest.run(deployment)["id"]
        for state in ("PENDING", "RUNNING"):
            answer = rest.http.post(f"/flow_runs/{run}/set_state", json={"state": {"type": state}}, headers=headers).json()
            assert answer["status"] == "ACCEPT", answer
    (found,) = _found(rest, tmp_path, older["name"], newer["name"]).values()
    assert runs[older["id"]] in found[1], found
    assert flowhand("flow-run", "delete", runs[older["id"]], "--yes", env=environment(tmp_path, rest.url)).code == 0
    assert _found(rest, tmp_path, older["name"], newer["name"]) == {}


def test_a_run_of_a_worker_has_a_lease(api_server: RunningServer, rest: Rest, tmp_path: Path) -> None:
    """What is claimed is not told, while its lease lasts."""
    api = Api(api_server)
    pool = api.pool()
    deployment = api.deployment(pool, concurrency_limit=1, name="claimed-here")
    api.run(deployment)
    (run,) = api.session(pool).claimed()
    assert _found(rest, tmp_path, "claimed-here") == {}, run
