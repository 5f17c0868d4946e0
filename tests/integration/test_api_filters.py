"""Filters of the REST contract (contract 1, 12), against a real server: one database, many questions."""

from __future__ import annotations

from typing import Any

import pytest

from support.rest import Rest

NOBODY = "11111111-1111-4111-8111-111111111111"


class World:
    """Two flows, a pool, two deployments, and runs of both and of none."""

    def __init__(self, rest: Rest) -> None:
        self.rest = rest
        self.alpha = rest.flow(name="alpha", tags=["first"])
        self.beta = rest.flow(name="beta_flow")
        self.pool = rest.pool(name="pool")
        self.pooled = rest.deployment(self.alpha, name="pooled", work_pool_name="pool", work_queue_name="urgent", tags=["t1", "t2"])
        self.served = rest.deployment(self.beta, name="served", paused=True)
        self.one = rest.run(self.pooled, name="one", tags=["blue"])
        self.two = rest.run(self.served, name="two", tags=["blue", "red"], idempotency_key="two")
        self.three = rest.made("/flow_runs/", flow_id=self.beta["id"], name="three", flow_version="v9")
        rest.set_state(self.three, "RUNNING")
        self.task = rest.made("/task_runs/", flow_run_id=self.three["id"], task_key="k", dynamic_key="0", name="k-0", tags=["deep"])

    def runs(self, **body: Any) -> list[str]:
        """The names of the runs that fit."""
        return [run["name"] for run in self.rest.made("/flow_runs/filter", **({"sort": "NAME_ASC"} | body))]


@pytest.fixture(scope="module")
def world(rest: Rest) -> World:
    return World(rest)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, ["one", "three", "two"]),
        ({"name": {"any_": ["one", "two"]}}, ["one", "two"]),
        ({"name": {"any_": []}}, []),
        ({"id": {"not_any_": []}}, ["one", "three", "two"]),
        ({"name": {"like_": "T"}}, ["three", "two"]),
        ({"tags": {"all_": ["blue", "red"]}}, ["two"]),
        ({"tags": {"any_": ["red", "t1"]}}, ["one", "two"]),
        ({"tags": {"is_null_": True}}, ["three"]),
        ({"state": {"type": {"any_": ["RUNNING"]}}}, ["three"]),
        ({"state": {"type": {"not_any_": ["RUNNING"]}}}, ["one", "two"]),
        ({"state": {"name": {"any_": ["Scheduled"]}}}, ["one", "two"]),
        ({"deployment_id": {"is_null_": True}}, ["three"]),
        ({"work_queue_name": {"any_": ["urgent"]}}, ["one"]),
        ({"flow_version": {"any_": ["v9"]}}, ["three"]),
        ({"idempotency_key": {"any_": ["two"]}}, ["two"]),
        ({"start_time": {"is_null_": False}}, ["three"]),
        ({"expected_start_time": {"after_": "2099-01-01T00:00:00Z"}}, []),
        ({"expected_start_time": {"before_": "2099-01-01 00:00:00+00:00"}}, ["one", "three", "two"]),
        ({"parent_task_run_id": {"is_null_": False}}, []),
        ({"created_by": {"is_null_": True}}, ["one", "three", "two"]),
        ({"operator": "or_", "name": {"any_": ["one"]}, "tags": {"all_": ["red"]}}, ["one", "two"]),
        ({"operator": "and_", "name": {"any_": ["one"]}, "tags": {"all_": ["red"]}}, []),
    ],
)
def test_filters_of_flow_runs(world: World, wanted: dict[str, Any], names: list[str]) -> None:
    """Each criterion means what the contract says, alone and joined."""
    assert world.runs(flow_runs=wanted) == names


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"flows": {"name": {"any_": ["beta_flow"]}}}, ["three", "two"]),
        ({"flows": {"tags": {"all_": ["first"]}}}, ["one"]),
        ({"deployments": {"name": {"any_": ["pooled"]}}}, ["one"]),
        ({"deployments": {}}, ["one", "two"]),
        ({"deployments": None}, ["one", "three", "two"]),
        ({"work_pools": {"name": {"any_": ["pool"]}}}, ["one"]),
        ({"work_pool_queues": {"name": {"startswith_": ["urg"]}}}, ["one"]),
        ({"task_runs": {"tags": {"all_": ["deep"]}}}, ["three"]),
        ({"flows": {"name": {"like_": "ALPH"}}, "flow_runs": {"name": {"any_": ["two"]}}}, []),
    ],
)
def test_filters_across_nouns_are_joined_by_and(world: World, body: dict[str, Any], names: list[str]) -> None:
    """A run must fit its own filter and belong to what fits the others."""
    assert world.runs(**body) == names
    assert world.rest.made("/flow_runs/count", **body) == len(names)


@pytest.mark.parametrize(
    ("path", "body", "names"),
    [
        ("/flows/filter", {}, ["alpha", "beta_flow"]),
        ("/flows/filter", {"sort": "NAME_DESC", "limit": 1}, ["beta_flow"]),
        ("/flows/filter", {"deployments": {"name": {"any_": ["served"]}}}, ["beta_flow"]),
        ("/flows/filter", {"flows": {"deployment": {"is_null_": True}}}, []),
        ("/flows/filter", {"work_pools": {"name": {"any_": ["pool"]}}}, ["alpha"]),
        ("/flows/filter", {"task_runs": {"name": {"any_": ["k-0"]}}}, ["beta_flow"]),
        ("/deployments/filter", {"flows": {"name": {"any_": ["alpha"]}}}, ["pooled"]),
        ("/deployments/filter", {"deployments": {"paused": {"eq_": True}}}, ["served"]),
        ("/deployments/filter", {"deployments": {"tags": {"all_": ["t1", "t2"]}}}, ["pooled"]),
        ("/deployments/filter", {"deployments": {"flow_or_deployment_name": {"like_": "beta"}}}, ["served"]),
        ("/deployments/filter", {"deployments": {"concurrency_limit": {"is_null_": True}}}, ["pooled", "served"]),
        ("/deployments/filter", {"flow_runs": {"name": {"any_": ["one"]}}}, ["pooled"]),
        ("/deployments/filter", {"flows": {"deployment": {"is_null_": False}}}, ["pooled", "served"]),
        ("/task_runs/filter", {"flow_runs": {"name": {"any_": ["three"]}}}, ["k-0"]),
        ("/task_runs/filter", {"flows": {"name": {"any_": ["alpha"]}}}, []),
        ("/task_runs/filter", {"task_runs": {"subflow_runs": {"exists_": True}}}, []),
        ("/work_pools/filter", {"work_pools": {"type": {"any_": ["process"]}}}, ["pool"]),
        ("/work_pools/pool/queues/filter", {}, ["default", "urgent"]),
        ("/work_queues/filter", {"work_queues": {"name": {"any_": ["urgent"]}}}, ["urgent"]),
    ],
)
def test_filters_of_other_nouns(world: World, path: str, body: dict[str, Any], names: list[str]) -> None:
    """The same for flows, deployments, task runs, pools and queues."""
    assert [thing["name"] for thing in world.rest.made(path, **body)] == names


def test_pages_do_not_overlap(world: World) -> None:
    """Pages of one row each show every run once, and say how many there are."""
    pages = [world.rest.made("/flow_runs/paginate", page=page, limit=1, sort="NAME_ASC") for page in (1, 2, 3)]
    assert [page["results"][0]["name"] for page in pages] == ["one", "three", "two"]
    assert (pages[0]["count"], pages[0]["pages"], pages[2]["page"]) == (3, 3, 3)


@pytest.mark.parametrize(
    "sort",
    ["ID_DESC", "START_TIME_ASC", "START_TIME_DESC", "EXPECTED_START_TIME_ASC", "EXPECTED_START_TIME_DESC", "NAME_DESC", "END_TIME_DESC"],
)
def test_every_order_is_known(world: World, sort: str) -> None:
    """Each order of the contract shows all runs."""
    assert len(world.runs(sort=sort)) == 3


def test_log_text_search(world: World) -> None:
    """Plain words: any of them; `+` must, `-` must not; quotes keep words together."""
    words = ["disk is full", "disk is fine", "network is down"]
    stamp = "2026-01-01T00:00:0{}Z"
    lines = [
        {"name": "x", "level": 10 * number, "message": text, "timestamp": stamp.format(number), "flow_run_id": world.one["id"]}
        for number, text in enumerate(words, 1)
    ]
    world.rest.made("/logs/", lines)

    def found(**wanted: Any) -> list[str]:
        logs = {"flow_run_id": {"any_": [world.one["id"]]}} | wanted
        return [line["message"] for line in world.rest.made("/logs/filter", logs=logs)]

    assert found(text={"query": "full down"}) == ["disk is full", "network is down"]
    assert found(text={"query": "+disk -full"}) == ["disk is fine"]
    assert found(text={"query": '"is down"'}) == ["network is down"]
    assert found(level={"ge_": 20, "le_": 20}) == ["disk is fine"]
    assert found(timestamp={"after_": "2026-01-01T00:00:03Z"}) == ["network is down"]
    assert found(text={"query": "100%_"}) == []
