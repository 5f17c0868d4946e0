"""The older Deployment and a real server: applied, read back, loaded, uploaded."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from flowhand import flow
from flowhand.blocks import Block
from flowhand.deployments import Deployment, DeploymentApplyError, load_deployments_from_yaml
from flowhand.errors import BlockMissingCapabilities, ObjectNotFound
from flowhand.events import DeploymentEventTrigger
from flowhand.filesystems import GitHub, LocalFileSystem
from flowhand.ids import new_id
from flowhand.infrastructure import DockerContainer, Process
from flowhand.schedules import Cron, CronSchedule, DeploymentSchedule, Interval, IntervalSchedule
from support.server import RunningServer, running_server
from support.worker import Api

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@flow(version="v7")
def older(x: int = 1) -> None:
    """An older one."""


class Vault(LocalFileSystem):
    """Local storage with a secret."""

    _block_type_name = "Vault"
    key: SecretStr


@pytest.fixture
def api(server: RunningServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Api:
    monkeypatch.setenv("FLOWHAND_API_URL", server.url)
    monkeypatch.setenv("FLOWHAND_HOME", str(server.home))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return Api(server)


def held(api: Api, deployment_id: str) -> dict[str, Any]:
    return api.call("GET", f"/deployments/{deployment_id}")


def made(**fields: Any) -> Deployment:
    return Deployment(**{"name": f"d-{new_id()}", "flow_name": "older", "entrypoint": "flows.py:older", **fields})


def test_apply_sends_every_field(api: Api) -> None:
    """What the server holds is what was given; a pool-less one lands in the queue of the agents' pool, made on demand."""
    deployment = made(
        version="1",
        description="d",
        tags=["t"],
        parameters={"x": 2},
        schedules=[Cron("@daily", slug="s"), DeploymentSchedule(IntervalSchedule(60), False)],
        work_queue_name="late",
        job_variables={"env": {"A": "b"}},
        infrastructure=Process(env={"X": "y"}),
        path="/srv",
        parameter_openapi_schema=older.parameters,
        enforce_parameter_schema=True,
    )
    found = held(api, deployment.apply())
    assert {name: found[name] for name in ("version", "description", "tags", "parameters", "path", "entrypoint")} == {
        "version": "1",
        "description": "d",
        "tags": ["t"],
        "parameters": {"x": 2},
        "path": "/srv",
        "entrypoint": "flows.py:older",
    }
    assert {(item["active"], item["slug"]) for item in found["schedules"]} == {(True, "s"), (False, None)}
    assert (found["work_pool_name"], found["work_queue_name"]) == ("default-agent-pool", "late")
    assert found["job_variables"] == found["infra_overrides"] == {"env": {"A": "b"}}
    assert (found["enforce_parameter_schema"], found["parameter_openapi_schema"]) == (True, older.parameters)
    assert api.call("GET", "/work_pools/default-agent-pool")["type"] == "prefect-agent"
    block = api.call("GET", f"/block_documents/{found['infrastructure_document_id']}")
    assert (block["is_anonymous"], block["data"]["env"]) == (True, {"X": "y"})
    assert found["storage_document_id"] is None


def test_the_older_fields_are_taken_and_returned(api: Api) -> None:
    """`manifest_path`, `schedule`, `is_schedule_active` and `infra_overrides`, as 2.x clients send them."""
    flow_id = api.call("POST", "/flows/", {"name": "older"})["id"]
    body = {
        "name": "by-hand",
        "flow_id": flow_id,
        "manifest_path": "m.json",
        "schedule": {"interval": 60},
        "is_schedule_active": False,
        "infra_overrides": {"a": 1},
    }
    found = api.call("POST", "/deployments/", body)
    assert (found["manifest_path"], found["is_schedule_active"], found["infra_overrides"]) == ("m.json", False, {"a": 1})
    assert found["schedule"]["interval"] == 60
    assert held(api, made(manifest_path="m.json").apply())["manifest_path"] == "m.json"


def test_your_infrastructure_is_not_changed(api: Api) -> None:
    """A copy of it is saved anonymously; one that is saved is referred to."""
    deployment = made(infrastructure=Process(env={"A": "1"}))
    deployment.apply()
    assert deployment.infrastructure == Process(env={"A": "1"})
    assert not deployment.infrastructure.is_anonymous
    saved = Process(env={"A": "2"})
    document = saved.save(f"p-{new_id()}")
    assert held(api, made(infrastructure=saved).apply())["infrastructure_document_id"] == document


def test_schedule_wins_over_schedules(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """With an info line; `is_schedule_active` is its own."""
    deployment = made(schedule=CronSchedule("@hourly"), is_schedule_active=False, schedules=[Cron("@daily")])
    log = logging.getLogger("flowhand.deployments")
    log.addHandler(caplog.handler)
    log.setLevel(logging.INFO)
    found = held(api, deployment.apply())
    log.removeHandler(caplog.handler)
    assert [(item["schedule"]["cron"], item["active"]) for item in found["schedules"]] == [("@hourly", False)]
    assert {record.levelname for record in caplog.records if "schedule counts" in record.message} == {"INFO"}


def test_no_schedules_leave_the_servers(api: Api) -> None:
    """Applied without any, the deployment keeps those it has; with others it gets those."""
    first = made(schedules=[Cron("@daily")])
    found = held(api, first.apply())
    assert held(api, Deployment(name=first.name, flow_name="older").apply())["schedules"] == found["schedules"]
    changed = held(api, Deployment(name=first.name, flow_name="older", schedules=[Cron("@hourly")]).apply())
    assert [item["schedule"]["cron"] for item in changed["schedules"]] == ["@hourly"]


def test_applying_twice_changes_nothing(api: Api) -> None:
    """The same id, and all the same but for stamps and the anonymous block."""
    deployment = made(schedules=[Interval(60)], tags=["t"])
    ids = [deployment.apply() for _ in range(2)]
    assert ids[0] == ids[1]


def test_the_queues_limit_is_set_only_when_given(api: Api) -> None:
    """In the agents' pool and in one of the deployment's own; applied again without, the limit stays."""
    api.pool("limited")
    for pool in (None, "limited"):
        deployment = made(work_queue_name="narrow", work_pool_name=pool)
        for limit in (3, None, 2):
            deployment.apply(work_queue_concurrency=limit)
            queue = api.call("GET", f"/work_pools/{pool or 'default-agent-pool'}/queues/narrow")
            assert queue["concurrency_limit"] == (limit or 3)


def test_the_first_deployment_of_all_finds_its_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a fresh server the agents' pool is made with its queue `default`, whose limit can be set at once."""
    with running_server(tmp_path / "fresh") as server:
        monkeypatch.setenv("FLOWHAND_API_URL", server.url)
        made().apply(work_queue_concurrency=5)
        assert Api(server).call("GET", "/work_pools/default-agent-pool/queues/default")["concurrency_limit"] == 5


def test_triggers_become_automations(api: Api) -> None:
    """Named after the deployment, made anew at each apply."""
    deployment = made(triggers=[DeploymentEventTrigger(expect=["a.b"]), {"expect": ["c.d"], "name": "mine"}])
    deployment.apply()
    found = deployment.apply()
    names = {item["name"] for item in api.call("GET", f"/automations/related-to/prefect.deployment.{found}")}
    assert names == {f"{deployment.name}__automation_1", "mine"}


def test_what_the_server_refuses_is_told(api: Api) -> None:
    """DeploymentApplyError with its words."""
    with pytest.raises(DeploymentApplyError, match=r"[Ww]ork pool .nowhere. not found"):
        made(work_pool_name="nowhere").apply()


def test_load_fills_what_was_not_given(api: Api) -> None:
    """Blocks with their secrets, schedules with their `active`; never timestamp, triggers and enforce_parameter_schema."""
    storage = Vault.model_validate({"basepath": "/srv", "key": "s3same"})
    storage.save(f"v-{new_id()}")
    first = made(
        version="1",
        description="d",
        tags=["t"],
        parameters={"x": 2},
        schedules=[Cron("@daily"), DeploymentSchedule(IntervalSchedule(60), False)],
        storage=storage,
        infrastructure=DockerContainer(image="a:1"),
        path="code",
        work_queue_name="q",
        job_variables={"a": 1},
        enforce_parameter_schema=True,
        triggers=[{"expect": ["a"]}],
    )
    first.apply()
    again = Deployment(name=first.name, flow_name="older", description="mine")
    stamp = again.timestamp
    assert again.load() is True
    assert (again.version, again.description, again.tags, again.parameters) == ("1", "mine", ["t"], {"x": 2})
    assert (again.path, again.work_queue_name, again.job_variables, again.entrypoint) == ("code", "q", {"a": 1}, "flows.py:older")
    assert [item.active for item in again.schedules] == [True, False]
    assert again.storage.key.get_secret_value() == "s3same"
    assert again.infrastructure.image == "a:1"
    assert (again.timestamp, again.triggers, again.enforce_parameter_schema, again.work_pool_name) == (stamp, [], None, None)
    assert Deployment(name="unknown", flow_name="older").load() is False


def test_given_schedules_clear_the_single_one(api: Api) -> None:
    """When it is loaded; a given single one stays alone."""
    first = made(schedules=[Cron("@daily")])
    first.apply()
    many = Deployment(
        name=first.name, flow_name="older", schedules=[Cron("@hourly")], schedule=CronSchedule("@weekly"), is_schedule_active=True
    )
    many.load()
    assert (many.schedule, many.is_schedule_active, many.schedules) == (None, None, [Cron("@hourly")])
    one = Deployment(name=first.name, flow_name="older", schedule=CronSchedule("@weekly"))
    one.load()
    assert (one.schedule, one.schedules) == (CronSchedule("@weekly"), [])


def test_building_loads_applies_and_writes(api: Api, tmp_path: Path) -> None:
    """With what the server has for what was not given; version, description and schema are the flow's."""
    options: dict[str, Any] = {"entrypoint": "flows.py:older", "skip_upload": True}
    name = f"b-{new_id()}"
    made(name=name, tags=["kept"], version="old", parameter_openapi_schema={"title": "old"}).apply()
    built = Deployment.build_from_flow(older, name, output="out.yaml", apply=True, parameters={"x": 3}, **options)
    assert (built.tags, built.version, built.description, built.parameters) == (["kept"], "v7", "An older one.", {"x": 3})
    assert built.parameter_openapi_schema == older.parameters
    assert api.call("GET", f"/deployments/name/older/{name}")["version"] == "v7"
    assert Deployment.load_from_yaml("out.yaml") == built
    fresh = Deployment.build_from_flow(older, name, load_existing=False, **options)
    assert fresh.tags == []


def test_uploading_puts_the_folder_into_the_storage(api: Api, tmp_path: Path) -> None:
    """At `path` in it, less what is ignored; the count; unsaved storage is saved anonymously, so that apply refers to it."""
    for name in ("flows.py", "notes.log", "sub/more.py"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("x")
    Path(".prefectignore").write_text("*.log\n")
    Path("own-ignore").write_text("sub/\n*.log\n.prefectignore\nown-ignore\n")
    deployment = made(storage=LocalFileSystem(basepath=str(tmp_path / "store")), path="a/b")
    assert deployment.upload_to_storage(ignore_file="own-ignore") == 1
    assert [path.name for path in (tmp_path / "store" / "a" / "b").iterdir()] == ["flows.py"]
    assert deployment.storage.is_anonymous
    assert deployment.upload_to_storage() == 4
    found = held(api, deployment.apply())
    block: Any = Block.load_from_ref(found["storage_document_id"])
    assert block.basepath == str(tmp_path / "store")


def test_building_uploads_when_the_storage_can(api: Api, tmp_path: Path) -> None:
    """Silently not otherwise; the ignore file is made even then."""
    Path("flows.py").write_text("x")
    options: dict[str, Any] = {"entrypoint": "flows.py:older"}
    Deployment.build_from_flow(older, f"u-{new_id()}", storage=LocalFileSystem(basepath=str(tmp_path / "s")), path="p", **options)
    assert (tmp_path / "s" / "p" / "flows.py").exists()
    Path(".prefectignore").unlink()
    Deployment.build_from_flow(older, f"u-{new_id()}", storage=GitHub(repository="r"), **options)
    assert Path(".prefectignore").exists()


def test_a_storage_block_by_name_becomes_the_deployments(api: Api, tmp_path: Path) -> None:
    """`type-slug/name`; one that takes no folders is refused, and one that is not there named."""
    Path("flows.py").write_text("x")
    name = f"s-{new_id()}"
    LocalFileSystem(basepath=str(tmp_path / "named")).save(name)
    deployment = made()
    assert deployment.upload_to_storage(f"local-file-system/{name}") == 2
    assert deployment.storage.basepath == str(tmp_path / "named")
    GitHub(repository="r").save(name)
    with pytest.raises(BlockMissingCapabilities, match="cannot take a folder"):
        deployment.upload_to_storage(f"github/{name}")
    with pytest.raises(ObjectNotFound, match="nowhere"):
        deployment.upload_to_storage("local-file-system/nowhere")


def test_saved_blocks_come_back_from_the_server(api: Api) -> None:
    """With their secrets, which the file does not have: one deployment and several of a file."""
    storage = Vault.model_validate({"basepath": "/srv", "key": "s3same"})
    name = f"y-{new_id()}"
    storage.save(name)
    deployment = made(storage=storage)
    deployment.to_yaml("d.yaml")
    assert "s3same" not in Path("d.yaml").read_text()
    assert Deployment.load_from_yaml("d.yaml") == deployment
    (read,) = load_deployments_from_yaml("d.yaml")
    assert read.storage.key.get_secret_value() == "s3same"
    Vault.delete(name)
    (failure,) = load_deployments_from_yaml("d.yaml").failures
    assert f"vault/{name}" in str(failure)


def test_everything_can_be_awaited(api: Api, tmp_path: Path) -> None:
    """In async code: build, load, update, upload, apply."""

    async def work() -> tuple[Any, ...]:
        built: Any = await Deployment.build_from_flow(older, "awaited", entrypoint="flows.py:older")  # pyright: ignore
        built.storage, built.path = LocalFileSystem(basepath=str(tmp_path / "store")), "code"
        await built.update(version="9")
        return await built.upload_to_storage(), await built.apply(), await built.load()

    count, deployment_id, found = asyncio.run(work())
    assert (count, found) == (1, True)
    assert held(api, deployment_id)["version"] == "9"
