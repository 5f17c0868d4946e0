"""Stories about finding: every criterion, order and window of flows, flow runs, task runs and logs, and what is counted of them."""

from __future__ import annotations

from typing import Any, Final

from support.beside import Player, Story

NOBODY: Final = "00000000-0000-4000-8000-000000000000"
POOL: Final = "found-pool"


def _stock(play: Player, word: str) -> dict[str, str]:
    """Two flows, a pool with two queues, a deployment, and runs of every kind; ids by name."""
    ids: dict[str, str] = {}
    for name in ("one", "two"):
        ids[name] = play.post("/flows/", name=f"{word}-{name}", tags=["flow", name])["id"]
    play.post("/work_pools/", name=f"{word}-pool", type="process")
    ids["queue"] = play.post(f"/work_pools/{word}-pool/queues", name="fast", priority=5)["id"]
    made = play.post("/deployments/", name="d", flow_id=ids["one"], work_pool_name=f"{word}-pool", work_queue_name="fast", tags=["dep"])
    ids["deployment"] = made["id"]
    kinds: list[tuple[str, str, dict[str, Any]]] = [
        ("alpha", "one", {"state": {"type": "COMPLETED"}, "tags": ["a", "b"]}),
        ("beta", "one", {"state": {"type": "FAILED"}, "tags": ["a"], "idempotency_key": "key"}),
        ("gamma", "two", {"state": {"type": "RUNNING"}, "tags": ["b"]}),
        ("delta", "two", {"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": play.at(600)}}}),
        ("epsilon", "two", {"state": {"type": "SCHEDULED", "name": "Late", "state_details": {"scheduled_time": play.at(-600)}}}),
        ("zeta", "one", {"state": {"type": "PENDING"}, "tags": ["c"], "flow_version": "v1"}),
        ("Eta_1%", "two", {"state": {"type": "CANCELLED"}, "tags": ["a", "c"]}),
    ]
    for name, flow, fields in kinds:
        ids[name] = play.post("/flow_runs/", {"flow_id": ids[flow], "name": name, **fields})["id"]
    run = f"/deployments/{ids['deployment']}/create_flow_run"
    for name, seconds in (("theta", 300), ("iota", 200)):
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": play.at(seconds)}}
        ids[name] = play.post(run, name=name, state=state, tags=["a"])["id"]
    for name, key, state in (
        ("task-1", "k", "COMPLETED"),
        ("task-2", "k", "RUNNING"),
        ("Other", "m", "PENDING"),
        ("child", "sub", "PENDING"),
    ):
        fields = {"flow_run_id": ids["gamma"], "task_key": key, "dynamic_key": name, "name": name, "tags": ["t", name]}
        ids[name] = play.post("/task_runs/", {**fields, "state": {"type": state}})["id"]
    ids["sub"] = play.post("/flow_runs/", flow_id=ids["one"], name="sub", parent_task_run_id=ids["child"], state={"type": "RUNNING"})["id"]
    play.post("/task_runs/", flow_run_id=ids["sub"], task_key="k", dynamic_key="0", name="inner", state={"type": "COMPLETED"})
    return ids


def _any(*values: Any) -> dict[str, Any]:
    return {"any_": list(values)}


def flow_runs(play: Player) -> None:
    ids = _stock(play, "found")
    mine = {"flows": {"id": _any(ids["one"], ids["two"])}}
    criteria: list[dict[str, Any]] = [
        {},
        {"id": _any(ids["alpha"], ids["beta"])},
        {"id": _any()},
        {"id": {"not_any_": [ids["alpha"]]}},
        {"id": {"not_any_": []}},
        {"id": _any(NOBODY)},
        {"name": _any("alpha", "nobody")},
        {"name": {"like_": "et"}},
        {"name": {"like_": "ETA"}},
        {"name": {"like_": "%"}},
        {"name": {"like_": "_"}},
        {"name": {"like_": ""}},
        {"tags": {"all_": ["a"]}},
        {"tags": {"all_": ["a", "b"]}},
        {"tags": {"any_": ["b", "c"]}},
        {"tags": {"all_": []}},
        {"tags": {"any_": []}},
        {"tags": {"is_null_": True}},
        {"tags": {"is_null_": False}},
        {"tags": {"operator": "or_", "all_": ["a", "b"], "any_": ["c"]}},
        {"deployment_id": _any(ids["deployment"])},
        {"deployment_id": {"is_null_": True}},
        {"deployment_id": {"is_null_": False}},
        {"deployment_id": {"operator": "or_", "any_": [ids["deployment"]], "is_null_": True}},
        {"work_queue_name": _any("fast", "default")},
        {"work_queue_name": {"is_null_": True}},
        {"work_queue_name": {"is_null_": False}},
        {"state": {"type": _any("RUNNING", "FAILED")}},
        {"state": {"type": {"not_any_": ["SCHEDULED", "RUNNING"]}}},
        {"state": {"name": _any("Late")}},
        {"state": {"name": {"not_any_": ["Late", "Scheduled"]}}},
        {"state": {"operator": "or_", "type": _any("RUNNING"), "name": _any("Late")}},
        {"state": {"type": _any("RUNNING"), "name": _any("Late")}},
        {"flow_version": _any("v1")},
        {"start_time": {"before_": play.at(60)}},
        {"start_time": {"after_": play.at(-60)}},
        {"start_time": {"is_null_": True}},
        {"start_time": {"is_null_": False}},
        {"end_time": {"before_": play.at(60)}},
        {"end_time": {"after_": play.at(60)}},
        {"end_time": {"is_null_": True}},
        {"end_time": {"is_null_": False}},
        {"expected_start_time": {"before_": play.at(0)}},
        {"expected_start_time": {"after_": play.at(30)}},
        {"expected_start_time": {"before_": play.at(601), "after_": play.at(599)}},
        {"next_scheduled_start_time": {"before_": play.at(250)}},
        {"next_scheduled_start_time": {"after_": play.at(250)}},
        {"parent_flow_run_id": _any(ids["gamma"])},
        {"parent_task_run_id": _any(ids["child"])},
        {"parent_task_run_id": {"is_null_": True}},
        {"parent_task_run_id": {"is_null_": False}},
        {"idempotency_key": _any("key")},
        {"idempotency_key": {"not_any_": ["key"]}},
        {"created_by": {"id": _any(NOBODY)}},
        {"created_by": {"type": _any("DEPLOYMENT")}},
        {"operator": "or_", "name": _any("alpha"), "state": {"type": _any("RUNNING")}},
        {"operator": "and_", "name": _any("alpha"), "state": {"type": _any("RUNNING")}},
        {"operator": "or_"},
        {"unknown": {}},
        {"name": {"unknown_": 1}},
        {"state": {"type": _any("NOPE")}},
        {"id": _any("no id")},
        {"start_time": {"before_": "no time"}},
    ]
    for criterion in criteria:
        play.post("/flow_runs/filter", {**mine, "flow_runs": criterion, "sort": "NAME_ASC"})
    others: list[dict[str, Any]] = [
        {"flows": {"name": _any("found-one")}},
        {"flows": {"name": {"like_": "FOUND"}}},
        {"flows": {"tags": {"all_": ["flow", "one"]}}},
        {"flows": {"deployment": {"is_null_": True}, "name": {"like_": "found"}}},
        {"flows": {"operator": "or_", "name": _any("found-one"), "id": _any(ids["two"])}},
        {**mine, "task_runs": {"name": _any("task-1")}},
        {**mine, "task_runs": {"state": {"type": _any("COMPLETED")}}},
        {**mine, "task_runs": {"tags": {"all_": ["t"]}}},
        {**mine, "task_runs": {"subflow_runs": {"exists_": True}}},
        {**mine, "task_runs": {"subflow_runs": {"exists_": False}}},
        {**mine, "deployments": {"name": _any("d")}},
        {**mine, "deployments": {"tags": {"all_": ["dep"]}}},
        {**mine, "deployments": {"paused": {"eq_": False}}},
        {**mine, "deployments": {"work_queue_name": _any("fast")}},
        {**mine, "work_pools": {"name": _any("found-pool")}},
        {**mine, "work_pools": {"type": _any("process")}},
        {**mine, "work_pool_queues": {"name": _any("fast")}},
        {**mine, "work_pool_queues": {"id": _any(ids["queue"])}},
        {**mine, "work_pools": {"name": _any("found-pool")}, "work_pool_queues": {"name": _any("default")}},
        {**mine, "flow_runs": {"tags": {"all_": ["a"]}}, "deployments": {"name": _any("d")}},
        {**mine, "flow_runs": None, "flows": None, "deployments": {"name": _any("nobody")}},
    ]
    for body in others:
        play.post("/flow_runs/filter", {**body, "sort": "NAME_ASC"})
        play.post("/flow_runs/count", body)
    for order in (
        "ID_DESC",
        "START_TIME_ASC",
        "START_TIME_DESC",
        "EXPECTED_START_TIME_ASC",
        "EXPECTED_START_TIME_DESC",
        "NAME_ASC",
        "NAME_DESC",
        "NEXT_SCHEDULED_START_TIME_ASC",
        "END_TIME_DESC",
        "NOPE",
    ):
        # what is ordered by an id, or is equal but for it, stands in no promised order: ids are each server's own
        tied = order in {"ID_DESC", "NEXT_SCHEDULED_START_TIME_ASC", "END_TIME_DESC"}
        play.post("/flow_runs/filter", {**mine, "sort": order}, unordered=tied)
    _windows(play, "/flow_runs", mine, "NAME_ASC")
    play.post("/flow_runs/lateness", {"flow_runs": {"id": _any(NOBODY)}})
    for unit in (
        {"history_interval_seconds": 600},
        {"history_interval": 600},
        {"history_interval_seconds": 0},
    ):
        play.post("/flow_runs/history", {**mine, "history_start": play.at(-1200), "history_end": play.at(1200), **unit})
        play.post("/task_runs/history", {**mine, "history_start": play.at(-1200), "history_end": play.at(1200), **unit})
    play.post("/flow_runs/history", {})
    play.post("/flow_runs/history", {**mine, "history_start": play.at(600), "history_end": play.at(-600), "history_interval_seconds": 5})
    play.post("/flow_runs/history", {**mine, "history_start": play.at(-700), "history_end": play.at(700), "history_interval_seconds": 500})
    play.post("/ui/flow_runs/history", {**mine, "sort": "EXPECTED_START_TIME_ASC"}, unordered=True)
    play.post("/ui/flow_runs/count-task-runs", {"flow_run_ids": [ids["gamma"], ids["sub"], ids["alpha"], NOBODY]})
    play.post("/ui/flows/count-deployments", {"flow_ids": [ids["one"], ids["two"], NOBODY]})
    play.post("/ui/flows/next-runs", {"flow_ids": [ids["one"], ids["two"], NOBODY]})
    for name in ("gamma", "sub", "alpha"):
        play.get(f"/flow_runs/{ids[name]}/graph", unordered=True)
        play.get(f"/flow_runs/{ids[name]}/graph-v2")
    play.get(f"/flow_runs/{ids['gamma']}/graph-v2", since=play.at(60))


def _windows(play: Player, path: str, base: dict[str, Any], order: str) -> None:
    """Every way to ask for some of many."""
    for window in (
        {"limit": 0},
        {"limit": 1},
        {"limit": 2, "offset": 1},
        {"limit": 200},
        {"limit": 201},
        {"limit": -1},
        {"limit": None},
        {"limit": "x"},
        {"offset": 100},
        {"offset": -1},
        {"offset": None},
        {"sort": None},
    ):
        play.post(f"{path}/filter", {**base, "sort": order, **window}, unordered=window == {"sort": None})
    for page in ({}, {"limit": 2}, {"limit": 2, "page": 2}, {"page": 99}, {"page": 0}, {"limit": 0}, {"limit": 201}, {"page": None}):
        play.post(f"{path}/paginate", {**base, "sort": order, **page})


def task_runs(play: Player) -> None:
    ids = _stock(play, "tasked")
    mine = {"flow_runs": {"id": _any(ids["gamma"], ids["sub"])}}
    criteria: list[dict[str, Any]] = [
        {},
        {"id": _any(ids["task-1"])},
        {"id": _any()},
        {"name": _any("task-1", "task-2")},
        {"name": {"like_": "TASK"}},
        {"tags": {"all_": ["t", "task-1"]}},
        {"tags": {"is_null_": True}},
        {"state": {"type": _any("RUNNING")}},
        {"state": {"name": _any("Pending")}},
        {"state": {"operator": "or_", "type": _any("PENDING"), "name": _any("Completed")}},
        {"start_time": {"is_null_": True}},
        {"start_time": {"before_": play.at(60)}},
        {"end_time": {"is_null_": False}},
        {"end_time": {"after_": play.at(-60)}},
        {"expected_start_time": {"after_": play.at(-60)}},
        {"expected_start_time": {"before_": play.at(-60)}},
        {"subflow_runs": {"exists_": True}},
        {"subflow_runs": {"exists_": False}},
        {"flow_run_id": _any(ids["sub"])},
        {"flow_run_id": {"is_null_": True}},
        {"flow_run_id": {"is_null_": False}},
        {"operator": "or_", "name": _any("Other"), "state": {"type": _any("RUNNING")}},
        {"unknown": {}},
    ]
    for criterion in criteria:
        play.post("/task_runs/filter", {**mine, "task_runs": criterion, "sort": "NAME_ASC"})
    for body in (
        {"flows": {"name": _any("tasked-two")}},
        {"flows": {"name": _any("tasked-one")}},
        {"flow_runs": {"state": {"type": _any("RUNNING")}, "id": _any(ids["gamma"])}},
        {**mine, "deployments": {"name": _any("d")}},
    ):
        play.post("/task_runs/filter", {**body, "sort": "NAME_ASC"})
        play.post("/task_runs/count", body)
    for order in ("ID_DESC", "NAME_ASC", "NAME_DESC", "EXPECTED_START_TIME_ASC", "EXPECTED_START_TIME_DESC", "END_TIME_DESC", "NOPE"):
        play.post("/task_runs/filter", {**mine, "sort": order}, unordered=order in {"ID_DESC", "END_TIME_DESC"})
    play.post("/task_runs/filter", {**mine, "sort": "NEXT_SCHEDULED_START_TIME_ASC"}, unordered=True)
    _windows(play, "/task_runs", mine, "NAME_ASC")
    play.post("/ui/task_runs/count", mine)
    play.post("/ui/task_runs/dashboard/counts", {"task_runs": {"start_time": {"after_": play.at(-600), "before_": play.at(600)}}, **mine})


def flows(play: Player) -> None:
    ids = _stock(play, "flowing")
    mine = {"id": _any(ids["one"], ids["two"])}
    criteria: list[dict[str, Any]] = [
        {},
        {"name": _any("flowing-one")},
        {"name": {"like_": "WING-O"}},
        {"tags": {"all_": ["flow", "one"]}},
        {"tags": {"is_null_": True}},
        {"deployment": {"is_null_": True}},
        {"deployment": {"is_null_": False}},
        {"unknown": 1},
    ]
    for criterion in criteria:
        play.post("/flows/filter", {"flows": {**mine, **criterion}})
        play.post("/flows/count", {"flows": {**mine, **criterion}})
    for body in (
        {"flow_runs": {"name": _any("alpha")}},
        {"task_runs": {"name": _any("task-1")}},
        {"deployments": {"name": _any("d")}},
        {"work_pools": {"name": _any("flowing-pool")}},
    ):
        play.post("/flows/filter", {"flows": mine, **body})
        play.post("/flows/count", {"flows": mine, **body})
    for order in ("CREATED_DESC", "UPDATED_DESC", "NAME_ASC", "NAME_DESC", "NOPE"):
        play.post("/flows/filter", {"flows": mine, "sort": order})
    _windows(play, "/flows", {"flows": mine}, "NAME_ASC")


def logs(play: Player) -> None:
    flow = play.post("/flows/", name="logged")["id"]
    run = play.post("/flow_runs/", flow_id=flow, name="logged")["id"]
    task = play.post("/task_runs/", flow_run_id=run, task_key="t", dynamic_key="0", name="t")["id"]
    lines = [
        {"name": "a", "level": 20, "message": "first", "timestamp": play.at(-30), "flow_run_id": run},
        {"name": "b", "level": 40, "message": "second, ü\nline", "timestamp": play.at(-20), "flow_run_id": run, "task_run_id": task},
        {"name": "a", "level": 10, "message": "", "timestamp": play.at(-10), "flow_run_id": run},
    ]
    play.post("/logs/", lines)
    play.post("/logs/", [])
    play.post("/logs/", [{"name": "a", "level": 20}])
    play.post("/logs/", [{**lines[0], "unknown": 1}])
    play.post("/logs/", {})
    mine = {"flow_run_id": _any(run)}
    criteria: list[dict[str, Any]] = [
        {},
        {"level": {"ge_": 20}},
        {"level": {"le_": 20}},
        {"level": {"ge_": 20, "le_": 20}},
        {"timestamp": {"after_": play.at(-20)}},
        {"timestamp": {"before_": play.at(-20)}},
        {"task_run_id": _any(task)},
        {"task_run_id": {"is_null_": True}},
        {"text": {"query": "second"}},
        {"text": {"query": "-second"}},
        {"text": {"query": "first second"}},
        {"text": {"query": '"second, ü"'}},
        {"name": _any("a")},
        {"unknown": 1},
    ]
    for criterion in criteria:
        play.post("/logs/filter", logs={**mine, **criterion})
    for order in ("TIMESTAMP_ASC", "TIMESTAMP_DESC", "NOPE", None):
        play.post("/logs/filter", logs=mine, sort=order)
    for window in ({"limit": 1}, {"limit": 1, "offset": 1}, {"limit": 0}, {"limit": 201}, {"limit": -1}, {"offset": -1}):
        play.post("/logs/filter", {"logs": mine, **window})
    play.get(f"/flow_runs/{run}/logs/download")
    play.post("/logs/filter", logs={"flow_run_id": _any(NOBODY)})


def of_deployments(play: Player) -> None:
    """Runs that are made of deployments: what is merged, enforced and refused."""
    flow = play.post("/flows/", name="deployed")["id"]
    schema = {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "string"}}, "required": ["x"]}
    play.post("/work_pools/", name="deployed-pool", type="process")
    fields: dict[str, Any] = {
        "flow_id": flow,
        "parameters": {"x": 1},
        "tags": ["a", "b"],
        "labels": {"of": "deployment"},
        "version": "v1",
        "job_variables": {"env": {"A": "1"}},
    }
    strict = play.post("/deployments/", {**fields, "name": "strict", "parameter_openapi_schema": schema, "work_pool_name": "deployed-pool"})
    paused = play.post("/deployments/", {**fields, "name": "paused", "paused": True, "parameter_openapi_schema": {}})
    bodies: list[dict[str, Any]] = [
        {},
        {"name": "named", "tags": ["b", "c"], "labels": {"of": "run"}, "parameters": {"y": "z"}},
        {"parameters": {"x": "no number"}},
        {"parameters": {"x": None}},
        {"parameters": {"z": 1}},
        {"parameters": {"x": "no number"}, "enforce_parameter_schema": False},
        {"job_variables": {"env": {"B": "2"}}},
        {"job_variables": {"unknown": 1}},
        {"work_queue_name": "new-queue"},
        {"idempotency_key": "k"},
        {"idempotency_key": "k", "name": "again"},
        {"state": {"type": "SCHEDULED", "name": "Odd", "state_details": {"scheduled_time": play.at(60)}}},
        {"state": {"type": "PENDING"}},
        {"state": {"type": "RUNNING"}, "empirical_policy": {"retries": 3}},
        {"context": {"a": 1}, "flow_version": "x"},
        {"context": {"a": 1}},
        {"unknown": 1},
        {"parent_task_run_id": None, "name": None, "state": None, "tags": [], "parameters": {}},
    ]
    for one in (strict, paused):
        for body in bodies:
            play.post(f"/deployments/{one['id']}/create_flow_run", body)
    play.post(f"/deployments/{NOBODY}/create_flow_run", {})
    play.post(f"/deployments/{strict['id']}/create_flow_run/bulk", [{"name": "one"}, {"parameters": {"x": "y"}}], unordered=True)
    play.delete(f"/deployments/{paused['id']}")
    play.post("/flow_runs/count", flow_runs={"deployment_id": _any(strict["id"])})


STORIES: Final[dict[str, Story]] = {f"find {story.__name__}": story for story in (flow_runs, task_runs, flows, logs, of_deployments)}
