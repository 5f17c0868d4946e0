"""RunnerDeployment: fields, schedules, entrypoints. What the API makes of it is in tests/integration."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flowhand import flow
from flowhand.deployments import ConcurrencyLimit, RunnerDeployment
from flowhand.deployments.entrypoints import entrypoint_of
from flowhand.errors import FlowLoadError
from flowhand.schedules import (
    Cron,
    CronSchedule,
    DeploymentSchedule,
    Interval,
    IntervalSchedule,
    MinimalDeploymentSchedule,
    RRule,
    RRuleSchedule,
)


@flow(version="v7")
def sample(x: int = 1) -> None:
    """A sample."""


renamed = sample.with_options(name="renamed")


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])


def test_a_deployment_takes_what_the_flow_knows() -> None:
    """Names, version, description, schema, entrypoint and path; everything else has its default."""
    made = sample.to_deployment("nightly")
    assert (made.name, made.flow_name, made.full_name) == ("nightly", "sample", "sample/nightly")
    assert (made.version, made.description) == ("v7", "A sample.")
    assert made.entrypoint == "tests/unit/test_runner_deployment.py:sample"
    assert made.path == "."
    assert made.parameter_openapi_schema == sample.parameters
    assert (made.tags, made.schedules, made.parameters, made.job_variables, made.triggers) == ([], [], {}, {}, [])
    assert (made.paused, made.enforce_parameter_schema, made.is_schedule_active, made.concurrency_limit) == (False, False, None, None)


def test_what_is_given_wins() -> None:
    """Over what the flow knows."""
    made = RunnerDeployment.from_flow(
        sample,
        "n",
        version="1",
        description="d",
        tags=["a"],
        parameters={"x": 2},
        paused=True,
        concurrency_limit=3,
        enforce_parameter_schema=True,
    )
    assert (made.version, made.description, made.tags, made.parameters) == ("1", "d", ["a"], {"x": 2})
    assert (made.paused, made.concurrency_limit, made.enforce_parameter_schema) == (True, 3, True)


def test_the_name_may_be_a_file() -> None:
    """`__file__` gives its stem; a dot in a name is a part of it."""
    assert sample.to_deployment(__file__).name == "test_runner_deployment"
    assert sample.to_deployment("v1.2").name == "v1.2"


def test_it_can_be_awaited() -> None:
    """In async code `to_deployment` is awaited, also many at once."""

    async def make() -> list[Any]:
        one = await sample.to_deployment("a")  # pyright: ignore
        return [one, *await asyncio.gather(*[sample.to_deployment(name) for name in "bc"])]  # pyright: ignore

    assert [made.name for made in asyncio.run(make())] == ["a", "b", "c"]


NOON = datetime(2026, 1, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"interval": 45}, [{"interval": 45}]),
        ({"interval": timedelta(minutes=1)}, [{"interval": 60}]),
        ({"interval": [1, timedelta(seconds=2)]}, [{"interval": 1}, {"interval": 2}]),
        ({"interval": 60, "anchor_date": NOON}, [{"interval": 60, "anchor_date": NOON.isoformat(), "timezone": "Europe/Berlin"}]),
        ({"interval": 60, "timezone": "Asia/Tokyo"}, [{"interval": 60, "timezone": "Asia/Tokyo"}]),
        ({"cron": "0 9 * * *", "timezone": "Asia/Tokyo"}, [{"cron": "0 9 * * *", "timezone": "Asia/Tokyo", "day_or": True}]),
        ({"cron": ["@daily", "@hourly"]}, [{"cron": "@daily", "day_or": True}, {"cron": "@hourly", "day_or": True}]),
        ({"rrule": "FREQ=DAILY"}, [{"rrule": "FREQ=DAILY"}]),
        ({"schedule": CronSchedule("@daily")}, [{"cron": "@daily", "day_or": True}]),
        ({"schedule": Interval(3, slug="s")}, [{"interval": 3}]),
        ({"schedules": [MinimalDeploymentSchedule(CronSchedule("@daily"))]}, [{"cron": "@daily", "day_or": True}]),
        ({"schedules": [IntervalSchedule(3), Cron("@daily"), RRule("FREQ=DAILY"), RRuleSchedule("FREQ=WEEKLY")]}, None),
        (
            {"schedules": [{"schedule": {"interval": 3.0}}, {"schedule": CronSchedule("@daily")}]},
            [{"interval": 3}, {"cron": "@daily", "day_or": True}],
        ),
    ],
)
def test_schedules_are_given_in_every_way(options: dict[str, Any], expected: list[Any] | None) -> None:
    """One, several, ready ones, mappings; active unless told otherwise."""
    found = sample.to_deployment("n", **options).deployment_schedules()
    assert all(item.active for item in found)
    if expected is None:
        assert [next(iter(item.schedule.wire())) for item in found] == ["interval", "cron", "rrule", "rrule"]
    else:
        assert [item.wire()["schedule"] for item in found] == expected


def test_a_schedule_can_be_inactive_and_have_parameters() -> None:
    """By `is_schedule_active` for the single one, by its own fields in a list."""
    one = sample.to_deployment("n", interval=5, is_schedule_active=False).deployment_schedules()
    assert [item.active for item in one] == [False]
    many = sample.to_deployment("n", schedules=[{"schedule": {"cron": "@daily"}, "active": False, "parameters": {"x": 2}, "slug": "s"}])
    assert many.deployment_schedules() == [DeploymentSchedule(CronSchedule("@daily"), False, {"x": 2}, "s")]
    assert many.deployment_schedules()[0].wire() == {
        "schedule": {"cron": "@daily", "day_or": True},
        "active": False,
        "parameters": {"x": 2},
        "slug": "s",
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"interval": 0}, "above zero"),
        ({"interval": timedelta(seconds=-1)}, "above zero"),
        ({"interval": "5"}, "number of seconds or a timedelta"),
        ({"interval": 5, "cron": "@daily"}, "interval and cron were both given"),
        ({"schedule": CronSchedule("@daily"), "schedules": [CronSchedule("@daily")]}, "schedule and schedules were both given"),
        ({"rrule": "FREQ=DAILY;Count=3"}, "COUNT is not supported.*UNTIL"),
        ({"schedules": [RRule("FREQ=DAILY;COUNT=3")]}, "COUNT is not supported"),
        ({"cron": "every day"}, "cron is 'every day'"),
        ({"cron": "@daily", "timezone": "Mars"}, "not a known time zone"),
        ({"timezone": "UTC"}, "timezone goes with"),
        ({"cron": "@daily", "anchor_date": datetime(2026, 1, 1, tzinfo=UTC)}, "anchor_date is the start of an interval"),
        ({"schedules": CronSchedule("@daily")}, "schedules is a list"),
        ({"schedules": ["@daily"]}, "'@daily' is no schedule"),
        ({"schedules": [{"cron": "@daily"}]}, "has a key 'schedule'"),
        ({"schedules": [{"schedule": {"cron": "@daily"}, "actve": True}]}, "has no actve"),
        ({"schedules": [{"schedule": {"cron": "@daily", "zone": "UTC"}}]}, "zone"),
        ({"concurrency_limit": 0}, "concurrency_limit is 0"),
    ],
)
def test_wrong_schedules_and_limits_are_refused(options: dict[str, Any], words: str) -> None:
    """With a ValueError that names what is wrong."""
    with pytest.raises(ValueError, match=words):
        sample.to_deployment("n", **options)


def test_an_unknown_option_is_told_with_what_was_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of `to_deployment`, `serve`, `deploy` and `from_entrypoint`; a TypeError, as for any call."""
    (tmp_path / "unknown_option.py").write_text("from flowhand import flow\n@flow\ndef other(): ...\n")
    monkeypatch.chdir(tmp_path)
    calls: list[Callable[..., Any]] = [
        partial(sample.to_deployment, "n"),
        partial(sample.serve, "n"),
        partial(sample.deploy, "n", work_pool_name="p"),
        partial(RunnerDeployment.from_entrypoint, "unknown_option.py:other", "n"),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="takes no option 'crn', did you mean 'cron'"):
            call(crn="@daily")


def test_the_constructor_checks_too() -> None:
    """Both ways of giving a schedule, the strategy of a limit, the name, a trigger without an event."""
    with pytest.raises(ValueError, match=r"trigger 1 of deployment 'n': .* give `expect`"):
        RunnerDeployment(name="n", triggers=[{"posture": "Reactive"}])
    with pytest.raises(ValueError, match="schedule and schedules"):
        RunnerDeployment(name="n", schedule=CronSchedule("@daily"), schedules=[CronSchedule("@daily")])
    with pytest.raises(ValueError, match="ENQUEUE or CANCEL_NEW"):
        ConcurrencyLimit(1, "DROP")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="name is ''"):
        RunnerDeployment(name="")


def test_entrypoints_name_what_another_process_can_find() -> None:
    """Methods by their qualified name, a flow with options by the name its module has for it."""
    assert entrypoint_of(renamed) == "tests/unit/test_runner_deployment.py:renamed"

    class Local:
        @flow
        def method(self) -> None: ...

    with pytest.raises(ValueError, match="made inside test_entrypoints_name"):
        entrypoint_of(Local.method)


def test_a_flow_outside_of_the_working_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Naming both, and what to use instead."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"test_runner_deployment\.py.*outside of the working directory.*from_entrypoint"):
        sample.to_deployment("n")


def test_a_flow_typed_at_a_prompt_is_refused_in_words(tmp_path: Path) -> None:
    """As `python -c` and a prompt have it: no file."""
    code = "from flowhand import flow\n@flow\ndef f(): pass\nf.to_deployment('n')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "typed at a prompt or in a notebook" in done.stderr


def test_from_entrypoint_loads_and_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In all its forms, with the absolute working directory as the path; the flow keeps its entrypoint for further deployments."""
    (tmp_path / "jobs_for_test").mkdir()
    (tmp_path / "jobs_for_test" / "etl.py").write_text("from flowhand import flow\n@flow\ndef main(n: int): pass\n")
    monkeypatch.chdir(tmp_path)
    for entrypoint in ("jobs_for_test/etl.py:main", "jobs_for_test.etl:main", "jobs_for_test.etl.main"):
        made = RunnerDeployment.from_entrypoint(entrypoint, "n", cron="@daily")
        assert (made.entrypoint, made.path, made.flow_name) == (entrypoint, str(tmp_path), "main")
        assert made.parameter_openapi_schema["required"] == ["n"]
        assert len(made.schedules) == 1
    with pytest.raises(FlowLoadError, match="did you mean 'main'"):
        RunnerDeployment.from_entrypoint("jobs_for_test/etl.py:mian", "n")


def test_from_source_carries_the_storage(tmp_path: Path) -> None:
    """A local folder, wherever the script is: entrypoint counted from it, its path, and the step for workers."""
    (tmp_path / "code.py").write_text("from flowhand import flow\n@flow\ndef main(): pass\n")
    loaded = flow.from_source(str(tmp_path), "code.py:main")
    made = loaded.to_deployment("n")
    assert (made.entrypoint, made.path) == ("code.py:main", str(tmp_path))
    assert made.storage is not None
    assert made.storage.to_pull_step() == {"prefect.deployments.steps.set_working_directory": {"directory": str(tmp_path)}}
    assert asyncio.run(_awaited(tmp_path)).name == "main"


async def _awaited(folder: Path) -> Any:
    return await flow.from_source(source=folder, entrypoint="code.py:main")


def test_from_storage_leaves_nothing_behind(tmp_path: Path) -> None:
    """The code is pulled into a temporary folder that is gone afterwards; the path names its base, the entrypoint stays relative."""
    seen: list[Path] = []

    class Copied:
        def __init__(self) -> None:
            self._base = Path()

        @property
        def destination(self) -> Path:
            return self._base / "code"

        def set_base_path(self, path: Path) -> None:
            self._base = path
            seen.append(path)

        def pull_code(self) -> None:
            self.destination.mkdir()
            (self.destination / "stored_flow.py").write_text("from flowhand import flow\n@flow\ndef main(): pass\n")

        def to_pull_step(self) -> dict[str, Any]:
            return {"copy": {}}

    made = RunnerDeployment.from_storage(Copied(), "stored_flow.py:main", "n")
    assert (made.entrypoint, made.path, made.flow_name) == ("stored_flow.py:main", "$STORAGE_BASE_PATH/code", "main")
    assert made.version
    assert not seen[0].exists()

    class Broken(Copied):
        def pull_code(self) -> None:
            raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        RunnerDeployment.from_storage(Broken(), "stored_flow.py:main", "n")
    assert not seen[1].exists()


@pytest.mark.parametrize(
    "line",
    [
        "from flowhand.flows import flow, Flow, serve, load_flow_from_entrypoint, load_flow_from_flow_run",
        "from flowhand.deployments import Deployment, DeploymentImage, DockerImage, PushError, load_flow_from_flow_run",
        "from flowhand.deployments import load_deployments_from_yaml",
        "from flowhand.deployments.steps import git_clone, run_shell_script, pull_with_block, set_working_directory, run_steps",
        "from flowhand.deployments import RunnerDeployment, DeploymentApplyError, serve, deploy, run_deployment",
        "from flowhand.deployments.runner import RunnerDeployment, deploy",
        "from flowhand.deployments.deployments import run_deployment, Deployment, load_deployments_from_yaml, load_flow_from_flow_run",
        "from flowhand.runner.storage import GitRepository, LocalStorage, RemoteStorage",
        "from flowhand.schedules import Interval, Cron, RRule, IntervalSchedule, CronSchedule, RRuleSchedule",
        "from flowhand.states import Completed, Failed, Cancelled",
        "from flowhand.runtime import flow_run, deployment",
        "import flowhand.deployments.runner; from flowhand.deployments import run_deployment, deploy; assert callable(run_deployment)",
    ],
)
def test_names_are_where_users_look_for_them(line: str) -> None:
    """The paths that surface and habit give."""
    exec(line, {})
