"""From a claimed run to its job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowhand.daemon.jobs import Place, make_job
from flowhand.errors import LaunchError
from flowhand.wire.job import Job
from flowhand.wire.runner import ClaimedRun, DeploymentBrief

PLACE = Place(Path("/srv"), Path("/home/x"), "http://h/api", None, "w", "DEBUG", None, {"REGION": "eu"})


def job_of(place: Place = PLACE, path: str | None = ".", **config: Any) -> Job:
    """The job of a run with this job configuration."""
    claimed = ClaimedRun(
        run_id="r",
        attempt=2,
        run_count=1,
        name="n",
        flow_id="f",
        flow_name="flow",
        scheduled_us=0,
        start_in_s=0,
        lease_s=60,
        deployment=DeploymentBrief(id="d", name="dep", entrypoint="a.py:f", path=path),
        job=config,
    )
    return make_job(claimed, place, start_at=None, lease_until=None, redelivered=False)


def test_the_environment_is_filled_from_the_workers_and_null_removes() -> None:
    """`{{ $NAME }}` becomes the worker's value, numbers become text, null stays null."""
    env = job_of(env={"A": "{{ $REGION }}-1", "B": 2, "C": None, "D": "{{ $MISSING }}"})["env"]
    assert (env["A"], env["B"], env["C"], env["D"]) == ("eu-1", "2", None, "")
    assert env["FLOWHAND__FLOW_RUN_ID"] == "r"


@pytest.mark.parametrize("command", ["flowhand flow-run execute", "prefect flow-run execute", "", None])
def test_the_usual_command_means_our_own_warm_child(command: str | None) -> None:
    """What image-based pools write does not cost a run its warm start."""
    assert job_of(command=command)["command"] is None


def test_a_command_of_the_users_own_is_kept() -> None:
    """Split as a shell splits words, never given to one."""
    assert job_of(command="env A='b c' run; rm x")["command"] == ["env", "A=b c", "run;", "rm", "x"]


def test_an_unreadable_command_or_environment_is_a_launch_error() -> None:
    """Each says which job variable is wrong."""
    with pytest.raises(LaunchError, match="command"):
        job_of(command="echo 'open")
    with pytest.raises(LaunchError, match="env"):
        job_of(env=["A=b"])


def test_paths_count_from_the_daemons_folder() -> None:
    """Relative ones; an absolute one and working_dir stand as they are."""
    assert job_of()["directory"] == "/srv"
    assert job_of(path="flows")["directory"] == "/srv/flows"
    assert job_of(path="/code")["directory"] == "/code"
    assert job_of(working_dir="/tmp/x")["directory"] == "/tmp/x"


def test_the_storage_base_path_is_wanted_when_it_is_named() -> None:
    """Without the setting the run's state says so."""
    with pytest.raises(LaunchError, match="STORAGE_BASE_PATH"):
        job_of(path="$STORAGE_BASE_PATH/a")
    placed = Place(Path("/srv"), Path("/h"), "u", None, "w", "INFO", "/base", {})
    assert job_of(placed, path="$STORAGE_BASE_PATH/a")["directory"] == "/base/a"
