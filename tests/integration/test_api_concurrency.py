"""Concurrency limits of both generations over the REST contract (contract 10), against a real server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from support.rest import Rest, fresh

V2 = "/v2/concurrency_limits"


def _limit(rest: Rest, number: int, **fields: object) -> str:
    return rest.made(f"{V2}/", name=fresh("limit"), limit=number, **fields)["name"]


def _slots(rest: Rest, name: str) -> int:
    return rest.read(f"{V2}/{name}")["active_slots"]


def test_leases_take_and_give_back(rest: Rest) -> None:
    """A lease holds slots until it is ended; ending it twice is one end; a full limit is 423 with a Retry-After."""
    name = _limit(rest, 1)
    lease = rest.made(f"{V2}/increment-with-lease", names=[name], slots=1, lease_duration=60)
    assert [limit["name"] for limit in lease["limits"]] == [name]
    full = rest.post(f"{V2}/increment-with-lease", names=[name], slots=1)
    assert (full.status_code, full.json()) == (423, {"detail": "Locked"})
    assert 0 < float(full.headers["Retry-After"]) <= 30
    assert rest.post(f"{V2}/leases/{lease['lease_id']}/renew", lease_duration=60).status_code == 204
    for _ in range(2):
        assert rest.post(f"{V2}/decrement-with-lease", lease_id=lease["lease_id"]).status_code == 204
    assert _slots(rest, name) == 0
    assert rest.post(f"{V2}/leases/{lease['lease_id']}/renew", lease_duration=60).status_code == 410


def test_unknown_names_are_passed_over(rest: Rest) -> None:
    """A lease over nothing is granted all the same; tasks with tags ask for one each (contract 2.5)."""
    lease = rest.made(f"{V2}/increment-with-lease", names=["tag:none"], slots=1, mode="concurrency", lease_duration=60)
    assert lease["limits"] == []
    assert lease["lease_id"]


def test_all_or_none(rest: Rest) -> None:
    """When one of several limits is full nothing is taken of the others."""
    free, full = _limit(rest, 5), _limit(rest, 1)
    rest.made(f"{V2}/increment", names=[full], slots=1)
    assert rest.post(f"{V2}/increment", names=[free, full], slots=1).status_code == 423
    assert _slots(rest, free) == 0


def test_never_more_than_the_limit(rest: Rest) -> None:
    """Of sixteen callers at once as many are served as there are slots."""
    name = _limit(rest, 3)
    with ThreadPoolExecutor(16) as crowd:
        codes = list(crowd.map(lambda _: rest.post(f"{V2}/increment", names=[name], slots=1).status_code, range(16)))
    assert sorted(codes) == [200] * 3 + [423] * 13
    assert _slots(rest, name) == 3


@pytest.mark.parametrize(
    "body",
    [
        {"slots": 5},
        {"slots": 1, "mode": "rate_limit"},
        {"slots": 0},
        {"names": []},
        {"slots": 1, "lease_duration": 5},
    ],
)
def test_what_can_never_be_is_refused(rest: Rest, body: dict[str, object]) -> None:
    """More slots than there are, a rate without a decay, no slot, no name, a lease shorter than a minute: 422."""
    asked = {"names": [_limit(rest, 1)], "slots": 1} | body
    assert rest.post(f"{V2}/increment-with-lease", **asked).status_code == 422


def test_a_rate_limit_gives_back_by_itself(rest: Rest) -> None:
    """Slots of a limit with a decay come back as time goes by."""
    name = _limit(rest, 1, slot_decay_per_second=5.0)
    assert rest.post(f"{V2}/increment", names=[name], slots=1, mode="rate_limit").status_code == 200
    denied = rest.post(f"{V2}/increment", names=[name], slots=1, mode="rate_limit")
    assert denied.status_code == 423
    assert float(denied.headers["Retry-After"]) <= 0.2
    rest.until(lambda: rest.post(f"{V2}/increment", names=[name], slots=1, mode="rate_limit").status_code == 200, "a slot is back", 5)


def test_limits_are_changed_and_deleted(rest: Rest) -> None:
    """By name or id; an inactive limit is answered and limits nothing; a name that is taken stays whose it is."""
    name = _limit(rest, 1)
    limit = rest.read(f"{V2}/{name}")
    assert rest.post(f"{V2}/", name=name, limit=1).status_code == 409
    assert rest.patch(f"{V2}/{limit['id']}", limit=7, active=False).status_code == 204
    assert (rest.read(f"{V2}/{name}")["limit"], rest.read(f"{V2}/{name}")["active"]) == (7, False)
    assert rest.patch(f"{V2}/{name}", name=_limit(rest, 1)).status_code == 409
    lease = rest.made(f"{V2}/increment-with-lease", names=[name], slots=9)
    assert ([limit["name"] for limit in lease["limits"]], _slots(rest, name)) == ([name], 0)
    assert rest.post(f"{V2}/leases/{lease['lease_id']}/renew", lease_duration=60).status_code == 204
    assert [limit["name"] for limit in rest.made(f"{V2}/decrement", names=[name], slots=1)] == [name]
    assert rest.delete(f"{V2}/{name}").status_code == 204
    assert rest.get(f"{V2}/{name}").status_code == 404


def test_limits_by_tag(rest: Rest) -> None:
    """The older form is a view of the newer one: `tag:<tag>`, its holders by task run."""
    tag, holder = fresh("tag"), "33333333-3333-4333-8333-333333333333"
    first = rest.post("/concurrency_limits/", tag=tag, concurrency_limit=1)
    again = rest.post("/concurrency_limits/", tag=tag, concurrency_limit=2)
    assert (first.status_code, again.status_code, again.json()["concurrency_limit"]) == (201, 200, 2)
    assert rest.read(f"{V2}/tag:{tag}")["limit"] == 2
    assert [one["name"] for one in rest.made("/concurrency_limits/increment", names=[tag], task_run_id=holder)] == [tag]
    assert rest.read(f"/concurrency_limits/tag/{tag}")["active_slots"] == [holder]
    rest.made("/concurrency_limits/decrement", names=[tag], task_run_id=holder)
    assert rest.read(f"/concurrency_limits/tag/{tag}")["active_slots"] == []
    none = rest.made("/concurrency_limits/", tag=fresh("tag"), concurrency_limit=0)["tag"]
    assert rest.post("/concurrency_limits/increment", names=[none], task_run_id=holder).status_code == 423
    leased = {"names": [f"tag:{tag}"], "slots": 1, "holder": {"type": "task_run", "id": holder}}
    rest.made(f"{V2}/increment-with-lease", **leased)
    assert rest.read(f"/concurrency_limits/tag/{tag}")["active_slots"] == [holder]
    rest.post(f"/concurrency_limits/tag/{tag}/reset")
    assert _slots(rest, f"tag:{tag}") == 0
    assert rest.delete(f"/concurrency_limits/tag/{tag}").status_code == 200
    assert rest.get(f"/concurrency_limits/tag/{tag}").status_code == 404
