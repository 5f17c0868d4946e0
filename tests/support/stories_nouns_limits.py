"""Stories about concurrency limits of both generations: their slots, leases and rates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from support.beside import Player

NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_V2: Final = "/v2/concurrency_limits"
_V1: Final = "/concurrency_limits"


def by_tag(play: Player) -> None:
    made = play.post(f"{_V1}/", tag="t", concurrency_limit=2)["id"]
    bodies: list[dict[str, Any]] = [
        {"tag": "t", "concurrency_limit": 3},
        {"tag": "n", "concurrency_limit": -1},
        {"tag": "zero", "concurrency_limit": 0},
        {"tag": "x"},
        {"concurrency_limit": 2},
        {"tag": "x", "concurrency_limit": "x"},
        {"tag": "x", "concurrency_limit": 1, "foo": 2},
        {"tag": "a b", "concurrency_limit": 1},
    ]
    for body in bodies:
        play.post(f"{_V1}/", body)
    for path in (made, "tag/t", "tag/none", NOBODY, "no-uuid"):
        play.get(f"{_V1}/{path}")
    runs = [f"11111111-1111-4111-8111-11111111111{number}" for number in range(4)]
    for names, run in ((["t"], 0), (["t"], 0), (["t", "none"], 1), (["t"], 2), (["t"], 3), (["none"], 3), (["zero"], 3), ([], 3)):
        play.post(f"{_V1}/increment", names=names, task_run_id=runs[run])
        play.get(f"{_V1}/tag/t")
    play.post(f"{_V1}/increment", names=["t"])
    play.post(f"{_V1}/increment", names=["t"], task_run_id="x")
    play.get(f"{_V2}/tag:t")
    for names, run in ((["t"], 0), (["t"], 0), (["none"], 0)):
        play.post(f"{_V1}/decrement", names=names, task_run_id=runs[run])
        play.get(f"{_V1}/tag/t")
    play.post(f"{_V1}/decrement", names=["t"])
    for body in ({}, {"slot_override": [runs[0], runs[3]]}, {"slot_override": ["x"]}, {"slot_override": []}):
        play.post(f"{_V1}/tag/t/reset", body)
        play.get(f"{_V1}/tag/t")
    play.post(f"{_V1}/tag/none/reset")
    play.post(f"{_V1}/filter", limit=300)
    play.post(f"{_V1}/filter", limit=0)
    for path in ("tag/t", "tag/t", made):
        play.delete(f"{_V1}/{path}")


def limits(play: Player) -> None:
    made = play.post(f"{_V2}/", name="a", limit=2)["id"]
    bodies: list[dict[str, Any]] = [
        {"name": "a", "limit": 2},
        {"name": "x/y", "limit": 2},
        {"name": "", "limit": 2},
        {"name": "b", "limit": -1},
        {"name": "b"},
        {"limit": 1},
        {"name": "zero", "limit": 0},
        {"name": "full", "limit": 5, "active": True, "active_slots": 3, "denied_slots": 2, "slot_decay_per_second": 0.5},
        {"name": "bad", "limit": 1, "slot_decay_per_second": -1},
        {"name": "bad", "limit": 1, "active_slots": -1},
        {"name": "bad", "limit": 1, "foo": 1},
        {"name": "over", "limit": 1, "active_slots": 4},
    ]
    for body in bodies:
        play.post(f"{_V2}/", body)
    for key in ("a", made, "none", NOBODY, "over"):
        play.get(f"{_V2}/{key}")
    changes: list[dict[str, Any]] = [
        {"limit": 4},
        {"active": False},
        {"active": True, "active_slots": 1},
        {"active_slots": 0, "denied_slots": 0},
        {"slot_decay_per_second": 1.5},
        {"slot_decay_per_second": 0},
        {"limit": -1},
        {"name": "renamed"},
        {"name": "zero"},
        {"name": "a/b"},
        {"foo": 1},
        {},
    ]
    for body in changes:
        if play.patch(f"{_V2}/{made}", body) is None:
            play.get(f"{_V2}/{made}")
    play.patch(f"{_V2}/none", limit=1)
    play.patch(f"{_V2}/renamed", limit=7)
    for window in ({"limit": 0}, {"limit": 300}, {"limit": 0, "foo": 1}):
        play.post(f"{_V2}/filter", window)
    for key in ("renamed", "renamed", NOBODY):
        play.delete(f"{_V2}/{key}")


def slots(play: Player) -> None:
    play.post(f"{_V2}/", name="s", limit=2)
    play.post(f"{_V2}/", name="s-off", limit=1, active=False)
    play.post(f"{_V2}/", name="s-rate", limit=3, slot_decay_per_second=0.001)
    play.post(f"{_V2}/", name="s-none", limit=0)
    bodies: list[dict[str, Any]] = [
        {"names": ["s"], "slots": 1},
        {"names": ["s"], "slots": 1, "mode": "concurrency"},
        {"names": ["s"], "slots": 1},
        {"names": ["s"], "slots": 3},
        {"names": ["s"], "slots": 0},
        {"names": ["s"], "slots": -1},
        {"names": ["s"]},
        {"slots": 1},
        {"names": [], "slots": 1},
        {"names": ["none"], "slots": 1},
        {"names": ["s-off"], "slots": 1},
        {"names": ["s-off"], "slots": 9},
        {"names": ["s-none"], "slots": 1},
        {"names": ["s"], "slots": 1, "mode": "foo"},
        {"names": ["s"], "slots": 1, "mode": "rate_limit"},
        {"names": ["s-rate"], "slots": 2, "mode": "rate_limit"},
        {"names": ["s-rate"], "slots": 2, "mode": "rate_limit"},
        {"names": ["s-rate"], "slots": 6, "mode": "rate_limit"},
        {"names": ["s"], "slots": 1, "foo": 1},
    ]
    for body in bodies:
        play.post(f"{_V2}/increment", body)
    play.get(f"{_V2}/s")
    given: list[dict[str, Any]] = [
        {"names": ["s"], "slots": 1, "occupancy_seconds": 2.5},
        {"names": ["s"], "slots": 5},
        {"names": ["none"], "slots": 1},
        {"names": ["s"], "slots": 0},
        {"names": ["s"]},
        {"names": ["s-off"], "slots": 1},
        {"names": ["s"], "slots": 1, "occupancy_seconds": -1},
    ]
    for body in given:
        play.post(f"{_V2}/decrement", body)
    play.get(f"{_V2}/s")


def leases(play: Player) -> None:
    play.post(f"{_V2}/", name="l", limit=2)
    play.post(f"{_V2}/", name="l-off", limit=1, active=False)
    take = f"{_V2}/increment-with-lease"
    first = play.post(take, names=["l"], slots=1, lease_duration=60, holder={"type": "task_run", "id": NOBODY})["lease_id"]
    off = play.post(take, names=["l-off"], slots=1, lease_duration=60)["lease_id"]
    bodies: list[dict[str, Any]] = [
        {"names": ["l", "l"], "slots": 1, "lease_duration": 60},
        {"names": ["l"], "slots": 2, "lease_duration": 60},
        {"names": ["l"], "slots": 3, "lease_duration": 60},
        {"names": ["none"], "slots": 1, "lease_duration": 60},
        {"names": ["l"], "slots": 1, "lease_duration": 59},
        {"names": ["l"], "slots": 1, "lease_duration": 86401},
        {"names": ["l"], "slots": 1, "lease_duration": "x"},
        {"names": ["l"], "slots": 0, "lease_duration": 60},
        {"names": ["l"], "slots": 1, "holder": {"type": "none", "id": NOBODY}},
        {"names": ["l"], "slots": 1, "holder": {"type": "flow_run"}},
        {"names": ["l"], "slots": 1, "mode": "rate_limit"},
        {"names": [], "slots": 1},
        {"slots": 1},
    ]
    for body in bodies:
        play.post(take, body)
    play.get(f"{_V2}/l")
    for lease, renewal in (
        (first, {"lease_duration": 60}),
        (first, {}),
        (first, {"lease_duration": 1}),
        (off, {}),
        (NOBODY, {}),
        (first, {"foo": 1}),
    ):
        play.post(f"{_V2}/leases/{lease}/renew", renewal)
    for body in ({"lease_id": first}, {"lease_id": first}, {"lease_id": NOBODY}, {"lease_id": "x"}, {}):
        play.post(f"{_V2}/decrement-with-lease", body)
        play.get(f"{_V2}/l")
    play.post(f"{_V2}/leases/{first}/renew", lease_duration=60)


STORIES: Final[dict[str, Callable[[Player], None]]] = {"limits by tag": by_tag, "limits": limits, "slots": slots, "leases": leases}
