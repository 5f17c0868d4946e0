"""Flow runs over the REST contract: made, given states, filtered, changed, resumed (contract 2, 4), against a real server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from support.rest import Rest, fresh


def test_a_run_takes_what_its_deployment_has(rest: Rest) -> None:
    """Parameters and tags are laid over the deployment's, labels name flow and deployment, the state is SCHEDULED now."""
    deployment = rest.deployment(parameters={"a": 1, "b": 2}, tags=["x"], labels={"team": "red"}, version="7")
    run = rest.run(deployment, parameters={"b": 3}, tags=["y", "x"], job_variables={"env": {"A": "1"}})
    assert run["parameters"] == {"a": 1, "b": 3}
    assert run["tags"] == ["x", "y"]
    assert run["labels"] == {"team": "red", "prefect.flow.id": deployment["flow_id"], "prefect.deployment.id": deployment["id"]}
    assert run["job_variables"] == {"env": {"A": "1"}}
    assert (run["state_type"], run["state_name"], run["deployment_version"]) == ("SCHEDULED", "Scheduled", "7")
    assert run["state"]["state_details"]["flow_run_id"] == run["id"]
    assert run["name"].count("-") == 1


def test_an_idempotency_key_makes_one_run(rest: Rest) -> None:
    """201 when the run is new, 200 with the same run when the key is known."""
    path = f"/deployments/{rest.deployment()['id']}/create_flow_run"
    first, second = rest.post(path, idempotency_key="k"), rest.post(path, idempotency_key="k")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]


def test_parameters_must_fit_the_schema(rest: Rest) -> None:
    """Parameters that do not fit are 409 (sic), unless enforcement is off, of the deployment or of the run."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    deployment = rest.deployment(parameter_openapi_schema=schema)
    path = f"/deployments/{deployment['id']}/create_flow_run"
    refused = rest.post(path, parameters={"n": "many"})
    assert refused.status_code == 409
    assert "'many' is not of type 'integer'" in refused.json()["detail"]
    assert rest.post(path).status_code == 409
    assert rest.post(path, parameters={"n": "many"}, enforce_parameter_schema=False).status_code == 201
    assert rest.post(path, parameters={"n": 1}).status_code == 201


def test_parameters_have_a_largest_size(rest: Rest) -> None:
    """Half a megabyte of parameters is the most."""
    path = f"/deployments/{rest.deployment()['id']}/create_flow_run"
    assert rest.post(path, parameters={"a": "x" * 530_000}).status_code == 422


def test_many_runs_at_once(rest: Rest) -> None:
    """Each run of a bulk creation stands for itself; more than 100 are refused."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    path = f"/deployments/{rest.deployment(parameter_openapi_schema=schema)['id']}/create_flow_run/bulk"
    results = rest.made(path, [{"parameters": {"n": 1}}, {"parameters": {"n": "x"}}])["results"]
    assert [result["status"] for result in results] == ["CREATED", "FAILED"]
    assert rest.post(path, [{}] * 101).status_code == 400


def test_an_adhoc_run_is_pending(rest: Rest) -> None:
    """A run of a flow without a deployment begins PENDING unless told otherwise; an unknown flow is a conflict."""
    flow = rest.flow()
    run = rest.made("/flow_runs/", flow_id=flow["id"], flow_version="1", parameters={"x": [1]})
    assert (run["state_type"], run["deployment_id"], run["labels"]) == ("PENDING", None, {"prefect.flow.id": flow["id"]})
    assert rest.post("/flow_runs/", flow_id="11111111-1111-4111-8111-111111111111").status_code == 409


def test_the_life_of_a_run(rest: Rest) -> None:
    """Each accepted state is 201 and changes the run's fields as the contract says (4.3)."""
    run = rest.run()
    pending = rest.set_state(run, "PENDING")
    assert (pending.status_code, pending.json()["status"]) == (201, "ACCEPT")
    assert pending.json()["details"] == {"type": "accept_details"}
    assert pending.json()["state"]["state_details"]["scheduled_time"] == run["next_scheduled_start_time"]
    assert rest.set_state(run, "PENDING", "Submitting").status_code == 201
    rest.set_state(run, "RUNNING")
    running = rest.read(f"/flow_runs/{run['id']}")
    assert (running["run_count"], running["next_scheduled_start_time"], running["end_time"]) == (1, None, None)
    assert running["estimated_run_time"] > 0
    rest.set_state(run, "COMPLETED")
    ended = rest.read(f"/flow_runs/{run['id']}")
    assert ended["total_run_time"] > 0
    assert ended["end_time"] > ended["start_time"]
    names = [state["name"] for state in rest.read("/flow_run_states/", flow_run_id=run["id"])]
    assert names == ["Scheduled", "Pending", "Submitting", "Running", "Completed"]


def test_refusals_are_not_errors(rest: Rest) -> None:
    """ABORT, REJECT and WAIT are 200 when nothing was written; the state that holds is shown."""
    run = rest.run(state={"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}})
    rest.set_state(run, "PENDING")
    twice = rest.set_state(run, "PENDING")
    assert (twice.status_code, twice.json()["status"], twice.json()["details"]["type"]) == (200, "ABORT", "abort_details")
    early = rest.set_state(run, "RUNNING")
    assert (early.status_code, early.json()["status"]) == (200, "WAIT")
    assert early.json()["details"]["delay_seconds"] > 3600
    assert early.json()["state"]["type"] == "PENDING"
    rest.set_state(run, "CANCELLING")
    rejected = rest.set_state(run, "RUNNING")
    assert (rejected.status_code, rejected.json()["status"]) == (200, "REJECT")
    assert rejected.json()["state"]["type"] == "CANCELLING"


def test_a_repeated_transition_is_recognised(rest: Rest) -> None:
    """The same transition id twice is one transition (contract 1.2)."""
    run = rest.run()
    transition = "22222222-2222-4222-8222-222222222222"
    rest.set_state(run, "PENDING", transition_id=transition)
    again = rest.set_state(run, "PENDING", transition_id=transition).json()
    assert (again["status"], again["details"]["reason"]) == ("REJECT", "This run has already made this state transition.")


def test_a_failure_is_tried_again(rest: Rest) -> None:
    """With retries in its policy a failed run is 201 REJECTed into AwaitingRetry, until they are used up (contract 2.6)."""
    run = rest.run()
    rest.patch(f"/flow_runs/{run['id']}", empirical_policy={"retries": 1, "retry_delay": 0})
    rest.set_state(run, "PENDING")
    rest.set_state(run, "RUNNING")
    first = rest.set_state(run, "FAILED")
    assert (first.status_code, first.json()["status"], first.json()["state"]["name"]) == (201, "REJECT", "AwaitingRetry")
    rest.set_state(run, "RUNNING")
    assert rest.set_state(run, "FAILED").json()["status"] == "ACCEPT"


def test_one_of_many_claims_wins(rest: Rest) -> None:
    """Of sixteen clients that propose Pending at once exactly one is accepted."""
    run = rest.run()
    with ThreadPoolExecutor(16) as crowd:
        statuses = list(crowd.map(lambda _: rest.set_state(run, "PENDING").json()["status"], range(16)))
    assert sorted(statuses) == ["ABORT"] * 15 + ["ACCEPT"]


def test_a_state_for_an_unknown_run(rest: Rest) -> None:
    """404 in the contract's second shape."""
    answer = rest.set_state({"id": "11111111-1111-4111-8111-111111111111"}, "PENDING")
    assert answer.status_code == 404
    assert "exception_message" in answer.json()


def test_one_state_for_many_runs(rest: Rest) -> None:
    """A bulk proposal answers for each run by itself."""
    runs = [rest.run(), rest.run()]
    ids = [run["id"] for run in runs]
    results = rest.made("/flow_runs/bulk_set_state", flow_runs={"id": {"any_": ids}}, state={"type": "CANCELLING"})["results"]
    assert {result["flow_run_id"] for result in results} == set(ids)
    assert {result["state"]["type"] for result in results} == {"CANCELLED"}


def test_patch_sets_what_is_given(rest: Rest) -> None:
    """Absent keys stay, given ones change, of the policy only the parts given; 204 without a body."""
    run = rest.run(tags=["a"], parameters={"x": 1})
    answer = rest.patch(f"/flow_runs/{run['id']}", infrastructure_pid="77", empirical_policy={"retries": 3})
    assert (answer.status_code, answer.content) == (204, b"")
    changed = rest.read(f"/flow_runs/{run['id']}")
    assert (changed["infrastructure_pid"], changed["tags"], changed["parameters"]) == ("77", ["a"], {"x": 1})
    assert changed["empirical_policy"]["retries"] == 3
    assert changed["empirical_policy"]["pause_keys"] == []
    assert rest.patch(f"/flow_runs/{run['id']}", name=fresh("name"), tags=[]).status_code == 204
    assert rest.read(f"/flow_runs/{run['id']}")["tags"] == []


def test_labels_are_laid_over(rest: Rest) -> None:
    """PATCH labels keeps those not named."""
    run = rest.run(labels={"a": 1})
    assert rest.patch(f"/flow_runs/{run['id']}/labels", b="two").status_code == 204
    labels = rest.read(f"/flow_runs/{run['id']}")["labels"]
    assert (labels["a"], labels["b"]) == (1, "two")


def test_pause_and_resume(rest: Rest) -> None:
    """A pause fires once; a run paused in its process runs on when it is resumed, one that is not paused says so (contract 2.7)."""
    run = rest.run()
    refused = rest.made(f"/flow_runs/{run['id']}/resume")
    assert refused == {
        "state": None,
        "status": "ABORT",
        "details": {"type": "abort_details", "reason": "Cannot resume a flow run that is not paused."},
    }
    rest.set_state(run, "PENDING")
    rest.set_state(run, "RUNNING")
    rest.set_state(run, "PAUSED", pause_key="1", pause_timeout="2099-01-01T00:00:00Z")
    resumed = rest.post(f"/flow_runs/{run['id']}/resume", {})
    assert (resumed.status_code, resumed.json()["status"], resumed.json()["state"]["type"]) == (201, "ACCEPT", "RUNNING")
    assert rest.read(f"/flow_runs/{run['id']}")["run_count"] == 1
    again = rest.set_state(run, "PAUSED", pause_key="1").json()
    assert (again["status"], again["details"]["reason"]) == ("REJECT", "This pause has already fired.")


def test_resuming_with_input(rest: Rest) -> None:
    """Input that does not fit is REJECTed with the contract's odd details; input that fits is stored and resumes."""
    run = rest.run()
    rest.set_state(run, "PENDING")
    rest.set_state(run, "RUNNING")
    keyset = {"description": "d", "response": "p-1-response", "schema": "p-1-schema"}
    rest.set_state(run, "PAUSED", pause_key="1", run_input_keyset=keyset)
    schema = '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}'
    assert rest.post(f"/flow_runs/{run['id']}/input", key="p-1-schema", value=schema).status_code == 201
    wrong = rest.post(f"/flow_runs/{run['id']}/resume", run_input={"n": "x"})
    assert (wrong.status_code, wrong.json()["status"], wrong.json()["details"]["type"]) == (200, "REJECT", "abort_details")
    assert rest.get(f"/flow_runs/{run['id']}/input/p-1-response").status_code == 404
    assert rest.made(f"/flow_runs/{run['id']}/resume", run_input={"n": 5})["status"] == "ACCEPT"
    answer = rest.get(f"/flow_runs/{run['id']}/input/p-1-response")
    assert (answer.text, answer.headers["content-type"].partition(";")[0]) == ('{"n":5}', "text/plain")
    found = rest.made(f"/flow_runs/{run['id']}/input/filter", prefix="p-1", limit=5, exclude_keys=["p-1-schema"])
    assert [one["key"] for one in found] == ["p-1-response"]
    assert rest.delete(f"/flow_runs/{run['id']}/input/p-1-response").status_code == 204


def test_deleting_a_run(rest: Rest) -> None:
    """A deleted run is gone with its logs, and deleting it again is 404."""
    run = rest.run()
    line = {"name": "x", "level": 20, "message": "m", "timestamp": "2026-01-01T00:00:00Z", "flow_run_id": run["id"]}
    assert rest.post("/logs/", [line]).status_code == 201
    assert rest.delete(f"/flow_runs/{run['id']}").status_code == 204
    assert rest.delete(f"/flow_runs/{run['id']}").status_code == 404
    assert rest.made("/logs/filter", logs={"flow_run_id": {"any_": [run["id"]]}}) == []


def test_subflow_states_show_on_the_parent(rest: Rest) -> None:
    """The task run that stands for a subflow goes through the subflow's states (contract 2.5)."""
    parent = rest.run()
    task = rest.made("/task_runs/", flow_run_id=parent["id"], task_key="child-1", dynamic_key="0", state={"type": "PENDING"})
    assert rest.post("/task_runs/", flow_run_id=parent["id"], task_key="child-1", dynamic_key="0").status_code == 200
    child = rest.made("/flow_runs/", flow_id=rest.flow()["id"], parent_task_run_id=task["id"])
    rest.set_state(child, "RUNNING")
    rest.set_state(child, "COMPLETED")
    stands_for = rest.read(f"/task_runs/{task['id']}")
    assert stands_for["state_type"] == "COMPLETED"
    assert stands_for["state"]["state_details"]["child_flow_run_id"] == child["id"]
    found = rest.made("/flow_runs/filter", flow_runs={"parent_flow_run_id": {"any_": [parent["id"]]}})
    assert [one["id"] for one in found] == [child["id"]]
