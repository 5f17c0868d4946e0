"""The older, block-based Deployment without an API: fields, warnings, errors, YAML."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic import PrivateAttr

from flowhand import flow
from flowhand.blocks import Block, Secret
from flowhand.deployments import Deployment, load_deployments_from_yaml
from flowhand.deployments.deployment_fields import EMPTY_SCHEMA
from flowhand.errors import BlockMissingCapabilities, ProjectError
from flowhand.events import DeploymentEventTrigger
from flowhand.filesystems import GitHub, LocalFileSystem, RemoteFileSystem
from flowhand.infrastructure import DockerContainer, KubernetesJob, Process
from flowhand.schedules import Cron, CronSchedule, DeploymentSchedule, IntervalSchedule, RRuleSchedule

pytestmark = pytest.mark.filterwarnings("ignore:Deployment is deprecated:DeprecationWarning")


@flow(version="v7")
def sample(x: int = 1) -> None:
    """A sample."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOWHAND_API_URL", "http://127.0.0.1:9/api")  # nothing may ask it
    return tmp_path


# --- fields ---------------------------------------------------------------------------------------------------------------------------


def test_the_defaults() -> None:
    """Every field that is not given."""
    made = Deployment(name="n")
    assert (made.version, made.description, made.schedule, made.is_schedule_active, made.work_pool_name) == (None,) * 5
    assert (made.tags, made.schedules, made.parameters, made.job_variables, made.triggers) == ([], [], {}, {}, [])
    assert (made.work_queue_name, made.infrastructure) == ("default", Process())
    assert (made.flow_name, made.manifest_path, made.storage, made.path, made.entrypoint) == (None,) * 5
    assert (made.parameter_openapi_schema, made.enforce_parameter_schema) == (EMPTY_SCHEMA, None)
    assert abs(datetime.now(UTC) - made.timestamp) < timedelta(minutes=1)


def test_each_construction_warns_once() -> None:
    """With what to use instead, at the line that constructs it; assignments do not warn."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Deployment(name="a").version = "2"
        Deployment(name="b")
    assert [str(item.message) for item in caught] == ["Deployment is deprecated; deploy with flow.deploy(...) or flow.serve(...)"] * 2
    assert {Path(item.filename).name for item in caught} == {Path(__file__).name}
    assert all(item.category is DeprecationWarning for item in caught)


def test_infra_overrides_are_job_variables() -> None:
    """As an argument, in `update` and as an attribute, each with a warning at the caller's line; both names at once are an error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = Deployment(name="n", infra_overrides={"env.KEY": "v"})
        assert made.job_variables == {"env.KEY": "v"}
        assert made.infra_overrides == {"env.KEY": "v"}
        made.infra_overrides = {"a": 1}
        made.update(infra_overrides={"b": 1})
    assert made.job_variables == {"b": 1}
    assert [Path(item.filename).name for item in caught if "job_variables" in str(item.message)][:3] == [Path(__file__).name] * 3
    with pytest.raises(ValueError, match="both given"):
        Deployment(name="n", infra_overrides={"a": 1}, job_variables={"b": 2})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "n", "shedule": CronSchedule("@daily")}, "did you mean 'schedule"),
        ({"name": "n", "infrastructure": LocalFileSystem()}, "cannot run a flow"),
        ({"name": "n", "storage": Process()}, "cannot give out a folder"),
        ({"name": "n", "storage": Secret.model_validate({"value": "s"})}, "cannot give out a folder"),
        ({"name": "n", "storage": "local-file-system/x"}, "is no block"),
        ({"name": "n", "schedule": RRuleSchedule("FREQ=DAILY;count=3")}, "COUNT is not supported.*UNTIL"),
        ({"name": "n", "schedules": [{"schedule": {"rrule": "FREQ=DAILY;COUNT=3"}}]}, "COUNT is not supported"),
        ({"name": "n", "schedules": CronSchedule("@daily")}, "schedules is a list"),
        ({"name": "n", "triggers": [3]}, "trigger"),
        ({"name": "n", "tags": "abc"}, "tags"),
    ],
)
def test_wrong_fields_are_value_errors(fields: dict[str, Any], words: str) -> None:
    """Each names the field or says what is meant, in one line."""
    with pytest.raises(ValueError, match=words) as caught:
        Deployment(**fields)
    assert "\n" not in str(caught.value)


def test_assignment_validates() -> None:
    """A wrong value is refused and changes nothing; an unknown attribute is refused."""
    made = Deployment(name="n", tags=["a"])
    for name, value in {"tags": "abc", "infrastructure": None, "storage": Process(), "schedules": [3], "nmae": "x"}.items():
        with pytest.raises(ValueError, match=name):
            setattr(made, name, value)
    assert (made.tags, made.infrastructure) == (["a"], Process())
    made.schedules = [{"schedule": {"cron": "@daily"}, "active": False}]
    assert made.schedules == [DeploymentSchedule(CronSchedule("@daily"), False)]


def test_none_as_the_schema_is_the_empty_one() -> None:
    """Also when it is assigned."""
    made = Deployment(name="n", parameter_openapi_schema=None)
    assert made.parameter_openapi_schema == EMPTY_SCHEMA
    made.parameter_openapi_schema = None  # pyright: ignore[reportAttributeAccessIssue]  # the field takes it
    assert made.parameter_openapi_schema == EMPTY_SCHEMA


@pytest.mark.parametrize(
    ("fields", "location"),
    [
        ({"path": "/srv/code"}, "/srv/code"),
        ({}, ""),
        ({"storage": LocalFileSystem(basepath="/srv/"), "path": "/code"}, "/srv/code"),
        ({"storage": LocalFileSystem(basepath="/srv"), "path": "code"}, "/srv/code"),
        ({"storage": RemoteFileSystem(basepath="s3://bucket/x"), "path": "code"}, "s3://bucket/x/code"),
        ({"storage": GitHub(repository="https://example.org/r"), "path": "code"}, "code"),
    ],
)
def test_the_location_joins_storage_and_path(fields: dict[str, Any], location: str) -> None:
    """By exactly one slash; the path alone without a place."""
    assert Deployment(name="n", **fields).location == location


def test_update_assigns_and_lists_what_is_unknown() -> None:
    """`ignore_none` leaves fields alone that are None; names that are unknown are listed, and nothing is changed."""
    made = Deployment(name="n", version="1", description="d")
    made.update(version=None, description="e", ignore_none=True)
    assert (made.version, made.description) == ("1", "e")
    made.update(version=None)
    assert made.version is None
    with pytest.raises(ValueError, match="has no colour, size"):
        made.update(size=1, colour=2, description="f")
    assert made.description == "e"


# --- built ----------------------------------------------------------------------------------------------------------------------------


def test_building_takes_what_the_flow_knows(here: Path) -> None:
    """Name, schema, version and description, the working directory as the path; what is given wins; the ignore file is made."""
    made = Deployment.build_from_flow(sample, "n", load_existing=False, entrypoint="flows.py:sample", skip_upload=True)
    assert (made.flow_name, made.version, made.description, made.path) == ("sample", "v7", "A sample.", str(here))
    assert made.parameter_openapi_schema == sample.parameters
    assert made.entrypoint == "flows.py:sample"
    assert (here / ".prefectignore").read_text() == ""
    own = Deployment.build_from_flow(
        sample, "n", load_existing=False, entrypoint="x.py:f", version="1", description="d", path="/p", schedules=[Cron("@daily")]
    )
    assert (own.version, own.description, own.path, own.schedules) == ("1", "d", "/p", [Cron("@daily")])


def test_an_ignore_file_that_is_there_is_left(here: Path) -> None:
    """Of either name: nothing is made beside it."""
    (here / ".flowhandignore").write_text("*.log\n")
    Deployment.build_from_flow(sample, "n", load_existing=False, entrypoint="x.py:f", skip_upload=True)
    assert [path.name for path in here.iterdir()] == [".flowhandignore"]


def test_the_entrypoint_is_found(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted from the working directory."""
    (here / "jobs").mkdir()
    (here / "jobs" / "older_found.py").write_text("from flowhand import flow\n@flow\ndef found(): ...\n")
    monkeypatch.syspath_prepend(str(here / "jobs"))
    made = Deployment.build_from_flow(import_module("older_found").found, "n", load_existing=False, skip_upload=True)
    assert made.entrypoint == "jobs/older_found.py:found"


def test_the_path_of_images(here: Path) -> None:
    """Where the code is in an image; no path at all with storage."""
    for block in (DockerContainer(), KubernetesJob()):
        made = Deployment.build_from_flow(sample, "n", load_existing=False, entrypoint="x.py:f", infrastructure=block)
        assert made.path == "/opt/prefect/flows"
    stored = Deployment.build_from_flow(sample, "n", load_existing=False, entrypoint="x.py:f", storage=GitHub(repository="r"))
    assert stored.path is None


def test_what_cannot_be_built_is_said(here: Path) -> None:
    """An empty name; a flow that is in no file."""
    with pytest.raises(ValueError, match="needs a name"):
        Deployment.build_from_flow(sample, "")
    scope: dict[str, Any] = {}
    exec("from flowhand import flow\n@flow\ndef typed(): ...", scope)
    with pytest.raises(ValueError, match="typed at a prompt or in a notebook"):
        Deployment.build_from_flow(scope["typed"], "n", load_existing=False)


def test_applying_and_loading_want_names(here: Path) -> None:
    """Before anything is asked."""
    calls: list[Callable[[], Any]] = [Deployment(name="n").apply, Deployment(name="n").load]
    for call in calls:
        with pytest.raises(ValueError, match="needs its name and its flow's"):
            call()


def test_uploading_needs_storage_that_takes_folders(here: Path) -> None:
    """None without any; an error that names the block that cannot."""
    assert Deployment(name="n").upload_to_storage() is None
    with pytest.raises(BlockMissingCapabilities, match="GitHub block cannot take a folder"):
        Deployment(name="n", storage=GitHub(repository="r")).upload_to_storage()


# --- YAML -----------------------------------------------------------------------------------------------------------------------------


class Opened(LocalFileSystem):
    """A block with an open handle."""

    _block_type_name = "Opened"
    handle: Any = None
    _connection: Any = PrivateAttr(None)


WHOLE: dict[str, Any] = {
    "name": "whole",
    "flow_name": "f",
    "version": "1",
    "description": "Two\nlines: yes",
    "tags": ["a", "b"],
    "schedules": [Cron("@daily", slug="s", parameters={"x": 1}), DeploymentSchedule(IntervalSchedule(60), False)],
    "schedule": IntervalSchedule(timedelta(minutes=2), datetime(2026, 1, 1, tzinfo=UTC), "Europe/Berlin"),
    "is_schedule_active": False,
    "work_queue_name": "q",
    "work_pool_name": "p",
    "parameters": {"when": "2026-01-01", "n": None, "nested": [{"a": 1}]},
    "job_variables": {"env": {"A": "b"}},
    "infrastructure": DockerContainer(image="a:1", env={"X": "y"}),
    "storage": LocalFileSystem(basepath="/srv"),
    "path": "code",
    "entrypoint": "flows.py:f",
    "parameter_openapi_schema": sample.parameters,
    "triggers": [
        DeploymentEventTrigger(expect=["a.b"], match={"prefect.resource.id": "x"}, parameters={"p": "{{ event.id }}"}, name="t"),
        {"type": "compound", "require": "all", "within": 60, "triggers": [{"expect": ["a"]}, {"expect": ["b"]}]},
    ],
    "enforce_parameter_schema": True,
}


def test_a_file_written_is_read_back_equal(here: Path) -> None:
    """With everything in it, without infrastructure blocks that are saved; in plain and in async code."""
    made = Deployment(**WHOLE)
    made.to_yaml("whole.yaml")
    assert Deployment.load_from_yaml("whole.yaml") == made

    async def again() -> Deployment:
        await made.to_yaml(here / "again.yaml")  # pyright: ignore
        return await Deployment.load_from_yaml(here / "again.yaml")  # pyright: ignore

    assert asyncio.run(again()) == made
    bare = Deployment(name="bare")
    bare.to_yaml("bare.yaml")
    assert Deployment.load_from_yaml("bare.yaml") == bare


def test_the_file_is_laid_out_for_a_person(here: Path) -> None:
    """A header that names the flow, the fields to edit in their order, a comment on the queue, a line, the rest."""
    Deployment(**WHOLE).to_yaml("whole.yaml")
    text = (here / "whole.yaml").read_text()
    above, line, below = text.partition("### DO NOT EDIT BELOW THIS LINE")
    assert line
    assert "'f'" in above.splitlines()[1]
    keys = [row.partition(":")[0] for row in above.splitlines() if row and row[0].isalpha()]
    assert keys == [
        *("name", "description", "version", "work_queue_name", "work_pool_name", "tags", "parameters", "schedule", "schedules"),
        *("is_schedule_active", "infra_overrides", "infrastructure"),
    ]
    assert "# The work queue" in above
    assert "_block_type_slug: docker-container" in above
    assert "_block_type_slug: local-file-system" in below
    assert "job_variables" not in text


def test_a_saved_infrastructure_stands_below(here: Path) -> None:
    """With its document's name and id, as text."""
    block = Process(env={"A": "b"})
    block.remember_document("0198f3c7-0000-7000-8000-000000000000", "shared")
    Deployment(name="n", infrastructure=block).to_yaml("n.yaml")
    above, _, below = (here / "n.yaml").read_text().partition("DO NOT EDIT")
    assert "infrastructure:" not in above
    assert "_block_document_name: shared" in below
    assert "_block_document_id: 0198f3c7-0000-7000-8000-000000000000" in below


def test_open_handles_are_left_out(here: Path) -> None:
    """A field that no file can hold."""
    Deployment(name="n", storage=Opened(basepath="/srv", handle=asyncio.Lock())).to_yaml("n.yaml")
    assert "handle" not in (here / "n.yaml").read_text()
    assert Deployment.load_from_yaml("n.yaml").storage == Opened(basepath="/srv")


def test_secrets_are_not_written_to_a_file(here: Path) -> None:
    """A block with secrets has to be saved first."""
    with pytest.raises(ValueError, match=r"holds secrets.*save it first"):
        Deployment(name="n", storage=GitHub.model_validate({"repository": "r", "access_token": "t0ken"})).to_yaml("n.yaml")
    assert not (here / "n.yaml").exists()


def test_files_work_without_infrastructure_and_with_either_name(here: Path) -> None:
    """`job_variables` and `infra_overrides` both are read; both at once are an error with its line."""
    Path("n.yaml").write_text("name: n\nflow_name: f\njob_variables: {a: 1}\n")
    assert Deployment.load_from_yaml("n.yaml").job_variables == {"a": 1}
    Path("n.yaml").write_text("name: n\ninfrastructure:\ninfra_overrides: {a: 2}\n")
    read = Deployment.load_from_yaml("n.yaml")
    assert (read.job_variables, read.infrastructure) == ({"a": 2}, Process())
    Path("n.yaml").write_text("name: n\njob_variables: {b: 1}\ninfra_overrides: {a: 2}\n")
    with pytest.raises(ValueError, match=r"n\.yaml:3: .*older name"):
        Deployment.load_from_yaml("n.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: n\nshedule:\n  cron: '@daily'\n", r"n\.yaml:2: .*did you mean 'schedule"),
        ("name: n\ntags: 3\n", r"n\.yaml:2: tags"),
        ("name: n\nschedules:\n- schedule: {cron: every day}\n", r"n\.yaml:2: schedules.*cron is 'every day'"),
        ("name: n\n\ttags: []\n", r"n\.yaml:2: there is a tab"),
        ("name: n\nname: m\n", r"n\.yaml:2: name stands here and in line 1"),
        ("- name: n\n", r"n\.yaml:1: a deployment is a mapping"),
        ("name: n\nstorage: {basepath: /srv}\n", "says of which type it is"),
        ("name: n\nstorage: {_block_type_slug: local-file-sistem}\n", "did you mean 'local-file-system'"),
    ],
)
def test_wrong_files_are_told_with_their_line(here: Path, text: str, words: str) -> None:
    """Unknown and wrong fields, tabs, two keys of one name, blocks of no type."""
    Path("n.yaml").write_text(text)
    with pytest.raises((ValueError, ProjectError), match=words):
        Deployment.load_from_yaml("n.yaml")


SEVERAL = """\
# two good ones, three bad ones
name: one
flow_name: f
path: code
---
name: two
flow_name: f
entrypoint: flows.py:f
---
nmae: three
---
name: one
flow_name: f
---
\tname: four
---
name: five
flow_name: f
storage:
  _block_type_slug: local-file-system
  basepath: store
infrastructure:
  _block_type_slug: process
  env: {A: b}
manifest_path: m.json
"""


def test_a_file_of_several_deployments(tmp_path: Path, here: Path) -> None:
    """A registry of those that are right; each that failed with its line; paths count from the file's folder; nothing is asked."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "all.yaml").write_text(SEVERAL)
    with pytest.warns(DeprecationWarning, match="load_deployments_from_yaml is deprecated"):
        registry = load_deployments_from_yaml("sub/all.yaml")
    assert [item.name for item in registry] == ["one", "two", "five"]
    assert registry.get_instances(Deployment) == list(registry)
    assert registry.get_instances(Block) == []
    one, two, five = registry
    assert (one.path, two.path, five.path) == (str(tmp_path / "sub" / "code"), str(tmp_path / "sub"), None)
    assert (five.storage, five.infrastructure) == (LocalFileSystem(basepath=str(tmp_path / "sub" / "store")), Process(env={"A": "b"}))
    assert five.manifest_path == str(tmp_path / "sub" / "m.json")
    assert [failure.line for failure in registry.failures] == [10, 12, 15]
    assert "did you mean 'name'" in str(registry.failures[0])
    assert "stands in line 2 already" in str(registry.failures[1])
    assert "all.yaml:15: there is a tab" in str(registry.failures[2])
    with pytest.warns(DeprecationWarning, match="deprecated"), pytest.raises(ProjectError, match=r"nowhere\.yaml cannot be read"):
        load_deployments_from_yaml("nowhere.yaml")
