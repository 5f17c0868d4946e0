"""The steps of deployments as functions."""

from __future__ import annotations

import asyncio
from importlib import import_module
from pathlib import Path

import pytest

from flowhand.deployments.steps import run_shell_script, run_steps, set_working_directory
from flowhand_storage.errors import StorageError


def test_a_step_is_called_as_a_function(tmp_path: Path) -> None:
    """It answers what the step puts out; the working directory of the process stays."""
    before = Path.cwd()
    assert set_working_directory(directory=str(tmp_path))["directory"] == str(tmp_path)
    assert run_shell_script(script="echo said", stream_output=False)["stdout"] == "said"
    assert Path.cwd() == before


def test_steps_run_in_order_and_can_be_awaited(tmp_path: Path) -> None:
    """Each sees the outputs of those before it."""
    steps = [
        {"run_shell_script": {"id": "first", "script": "echo inner", "stream_output": False}},
        {"prefect.deployments.steps.set_working_directory": {"directory": f"{tmp_path}/{{{{ first.stdout }}}}"}},
    ]
    (tmp_path / "inner").mkdir()

    async def work() -> str:
        return (await run_steps(steps))["directory"]  # pyright: ignore

    assert asyncio.run(work()) == str(tmp_path / "inner")


def test_a_step_that_fails_or_is_unknown_says_so() -> None:
    """In the words of the storage; an unknown name lists those that there are."""
    with pytest.raises(StorageError, match="exit"):
        run_shell_script(script="exit 3")
    with pytest.raises(AttributeError, match="its steps are git_clone"):
        _ = import_module("flowhand.deployments.steps").git_klone
