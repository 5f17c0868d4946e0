"""Deployments and the API: a real server, and what it holds afterwards."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowhand import deploy, flow, run_deployment
from flowhand.deployments import ConcurrencyLimit, RunnerDeployment
from flowhand.errors import ApiRefused, DeploymentApplyError, ObjectAlreadyExists, ObjectNotFound
from flowhand.schedules import Cron, Interval
from support.server import RunningServer, running_server
from support.worker import Api, wait_for


@flow
def sample(x: int = 1) -> None:
    """A sample."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server")) as server:
        Api(server).pool("pool")
        Api(server).call("POST", "/work_pools/", {"name": "boxes", "type": "docker"})
        yield server


@pytest.fixture(autouse=True)
def api(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setenv("FLOWHAND_API_URL", server.url)
    monkeypatch.setenv("FLOWHAND_HOME", str(server.home))
    monkeypatch.chdir(Path(__file__).parents[2])
    return Api(server)


@pytest.fixture
def sourced(tmp_path: Path) -> Any:
    (tmp_path / "code.py").write_text("from flowhand import flow\n@flow\ndef sourced(): pass\n")
    return flow.from_source(str(tmp_path), "code.py:sourced")


def held(api: Api, deployment_id: str) -> dict[str, Any]:
    return api.call("GET", f"/deployments/{deployment_id}")


def test_apply_creates_what_the_script_says(api: Api) -> None:
    """All fields reach the server, and the id comes back."""
    made = sample.to_deployment(
        "created",
        cron="0 9 * * *",
        timezone="Asia/Tokyo",
        tags=["a"],
        parameters={"x": 2},
        concurrency_limit=ConcurrencyLimit(2, "CANCEL_NEW"),
        description="d",
        version="v",
    )
    found = held(api, made.apply())
    assert api.call("GET", f"/flows/{found['flow_id']}")["name"] == "sample"
    assert found["schedules"][0]["schedule"] == {"cron": "0 9 * * *", "timezone": "Asia/Tokyo", "day_or": True}
    assert (found["tags"], found["parameters"], found["description"], found["version"]) == (["a"], {"x": 2}, "d", "v")
    assert found["global_concurrency_limit"]["limit"] == 2
    assert found["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert (found["entrypoint"], found["path"]) == ("tests/integration/test_deployments_apply.py:sample", ".")
    assert found["parameter_openapi_schema"] == sample.parameters
    assert found["enforce_parameter_schema"] is False
    assert (found["work_pool_name"], found["pull_steps"]) == (None, [])


def test_applying_twice_changes_nothing_that_was_not_given(api: Api) -> None:
    """Same id, same phase of an interval without an anchor, a pause by hand stays; what was taken out of the script goes."""
    first = sample.to_deployment("twice", schedules=[Interval(3600), Cron("@daily")], tags=["a"], concurrency_limit=1).apply()
    anchor = next(s["schedule"]["anchor_date"] for s in held(api, first)["schedules"] if "interval" in s["schedule"])
    api.call("PATCH", f"/deployments/{first}", {"paused": True})
    assert sample.to_deployment("twice", schedules=[Interval(3600)], description="new").apply() == first
    found = held(api, first)
    assert [item["schedule"]["anchor_date"] for item in found["schedules"]] == [anchor]
    assert (found["paused"], found["tags"], found["description"]) == (True, [], "new")
    assert found["global_concurrency_limit"] is None
    sample.to_deployment("twice", paused=False).apply()
    assert (held(api, first)["paused"], held(api, first)["schedules"]) == (False, [])


@pytest.mark.parametrize("active", [None, True, False])
def test_schedule_and_pause_as_they_were_before_there_were_many(api: Api, active: bool | None) -> None:
    """`is_schedule_active` is the single schedule's; without a schedule, False means paused."""
    one = held(api, sample.to_deployment("single", interval=60, is_schedule_active=active).apply())
    assert [item["active"] for item in one["schedules"]] == [active is not False]
    none = held(api, sample.to_deployment(f"none-{active}", is_schedule_active=active).apply())
    assert none["paused"] is (active is False)


def test_with_a_pool_code_and_command_are_the_pools(api: Api, sourced: Any) -> None:
    """A process pool starts our child itself; one of containers gets the command, an image, and a command of the user's own is kept."""
    found = held(api, sourced.to_deployment("pooled", work_pool_name="pool", job_variables={"env": {"A": "b"}}).apply())
    assert (found["work_pool_name"], found["job_variables"]) == ("pool", {"env": {"A": "b"}})
    assert found["pull_steps"] == [sourced.storage.to_pull_step()]
    assert found["path"] is None
    boxed = held(api, sample.to_deployment("boxed", job_variables={"image": "old"}).apply("boxes", image="new:1"))
    assert boxed["job_variables"] == {"image": "new:1", "command": "flowhand flow-run execute"}
    assert (boxed["pull_steps"], boxed["path"]) == ([], ".")
    own = held(api, sample.to_deployment("own", job_variables={"command": "mine"}).apply("boxes"))
    assert own["job_variables"] == {"command": "mine"}
    served = held(api, sample.to_deployment("boxed").apply())
    assert served["work_pool_name"] is None


@pytest.mark.parametrize("field", ["image", "work_queue_name", "job_variables"])
def test_what_belongs_to_a_pool_needs_one(field: str) -> None:
    """A ValueError that names it, before anything is sent."""
    value: Any = {"env": {}} if field == "job_variables" else "x"
    options = {} if field == "image" else {field: value}
    with pytest.raises(ValueError, match=f"has {field} but no work pool"):
        sample.to_deployment("n", **options).apply(image="x" if field == "image" else None)


def test_what_the_server_refuses_is_told_in_its_words(api: Api) -> None:
    """DeploymentApplyError, a RuntimeError, with the cause chained; a pool that is not there is named."""
    made = RunnerDeployment(name="n", flow_name="a/b", entrypoint="x.py:f")
    with pytest.raises(DeploymentApplyError) as caught:
        made.apply()
    assert isinstance(caught.value, RuntimeError)
    assert caught.value.__cause__ is not None
    with pytest.raises(DeploymentApplyError, match=r"[Ww]ork pool .nowhere. not found"):
        sample.to_deployment("n").apply("nowhere")


def test_deploy_tells_how_it_went(api: Api, sourced: Any) -> None:
    """Ids in order, a table, the next steps; one failing among several does not stop the others."""
    good, bad = sourced.to_deployment("good"), sourced.to_deployment("bad")
    bad.flow_name = "no/such"
    with redirect_stdout(io.StringIO()) as out:
        ids = deploy(good, bad, work_pool_name="pool")
    assert [held(api, one)["name"] for one in ids] == ["good"]
    assert "Some deployments failed." in out.getvalue()
    assert "sourced/good" in out.getvalue()
    assert "worker start --pool pool" in out.getvalue()
    with redirect_stdout(io.StringIO()) as out:
        one = sourced.deploy("alone", work_pool_name="pool", print_next_steps=False)
    assert held(api, one)["name"] == "alone"
    assert "worker start" not in out.getvalue()
    with pytest.raises(DeploymentApplyError):
        deploy(bad, work_pool_name="pool")


def test_deploy_checks_before_it_sends(sourced: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No deployments, no pool, a pool that is not there, code that no worker could get at, an image for a pool without one."""
    with pytest.raises(ValueError, match="at least one deployment"):
        deploy(work_pool_name="pool")
    with pytest.raises(ValueError, match="needs a work pool"):
        deploy(sourced.to_deployment("n"))
    with pytest.raises(ValueError, match=r"no work pool 'nowhere'.*work-pool create"):
        deploy(sourced.to_deployment("n"), work_pool_name="nowhere")
    with pytest.raises(ValueError, match="could not get at the code of sample/n"):
        deploy(sample.to_deployment("n"), work_pool_name="pool")
    with pytest.raises(ValueError, match=r"'pool' .* has no variable 'image'"):
        deploy(sample.to_deployment("n"), work_pool_name="pool", image="a:1", build=False)
    monkeypatch.setenv("FLOWHAND_DEFAULT_WORK_POOL", "pool")
    with redirect_stdout(io.StringIO()):
        assert len(deploy(sourced.to_deployment("n"))) == 1


def test_everything_can_be_awaited(api: Api, sourced: Any) -> None:
    """apply, deploy and run_deployment in async code."""

    async def work() -> tuple[Any, Any, Any]:
        made = await sourced.to_deployment("awaited", paused=True)
        first = await made.apply()
        with redirect_stdout(io.StringIO()):
            second = await deploy(made, work_pool_name="pool")
        return first, second[0], await run_deployment(first, timeout=0)

    first, second, run = asyncio.run(work())
    assert first == second == run.deployment_id


def test_run_deployment_creates_a_run_and_answers_it(api: Api) -> None:
    """By name or id, with parameters over the deployment's, a time, a name and tags; `timeout=0` answers at once."""
    deployment = sample.to_deployment("run", parameters={"x": 2}, tags=["d"]).apply()
    at = datetime.now(UTC) + timedelta(hours=1)
    run = run_deployment("sample/run", parameters={"x": 5}, scheduled_time=at, flow_run_name="mine", tags=["t"], timeout=0)
    found = api.read(run.id)
    assert (found["deployment_id"], found["name"], found["parameters"], sorted(found["tags"])) == (deployment, "mine", {"x": 5}, ["d", "t"])
    assert (run.state.type, run.expected_start_time) == ("SCHEDULED", at)
    again = [run_deployment(deployment, idempotency_key="k", timeout=0).id for _ in range(2)]
    assert len(set(again)) == 1


def test_run_deployment_waits_for_the_end_or_the_timeout(api: Api) -> None:
    """A time-out answers the run as it is; an end that comes meanwhile is answered at once."""
    sample.to_deployment("wait").apply()
    waiting = run_deployment("sample/wait", timeout=0.2)
    assert waiting.state.name in ("Scheduled", "Late")

    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(run_deployment, "sample/wait", timeout=30, flow_run_name="ended")
        named = {"flow_runs": {"name": {"any_": ["ended"]}}}
        wait_for(lambda: bool(api.call("POST", "/flow_runs/filter", named)), 20)
        (run,) = api.call("POST", "/flow_runs/filter", named)
        for kind in ("PENDING", "RUNNING", "COMPLETED"):
            api.call("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": kind}})
        assert work.result(30).state.is_completed()


def test_run_deployment_says_what_is_wrong() -> None:
    """An unknown deployment by its name, a negative time-out, both names of the job variables."""
    with pytest.raises(ObjectNotFound, match="there is no deployment 'sample/nowhere'"):
        run_deployment("sample/nowhere")
    with pytest.raises(ValueError, match="timeout is -1"):
        run_deployment("sample/run", timeout=-1)
    with pytest.raises(ValueError, match="both given"):
        run_deployment("sample/run", job_variables={}, infra_overrides={})
    with pytest.raises(ValueError, match="write flow/deployment"):
        run_deployment("sample")
    with pytest.warns(DeprecationWarning, match="job_variables"), pytest.raises(ObjectNotFound):
        run_deployment("sample/nowhere", infra_overrides={"a": 1}, timeout=0)
    sample.to_deployment("strict", enforce_parameter_schema=True).apply()
    with pytest.raises(ApiRefused, match=r"no run of deployment 'sample/strict' was made: .*'x'.*'many' is not of type") as caught:
        run_deployment("sample/strict", parameters={"x": "many"}, timeout=0)
    assert not isinstance(caught.value, ObjectAlreadyExists)
