"""docs/compatibility.md says of every name which test shows it; both are there."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path

import pytest

import flowhand.deployments
from flowhand.deployments import Deployment, RunnerDeployment, load_flow_from_flow_run
from flowhand.deployments.running import run
from flowhand.serving import serve

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/compatibility.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE)))
FILES = {path.name: path for path in (ROOT / "tests").rglob("test_*.py")}


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_each_test_that_is_named_is_there(file: str, test: str) -> None:
    """In the file that is named."""
    assert re.search(rf"^(async )?def {test}\(", FILES[file].read_text(encoding="utf-8"), re.MULTILINE)


def section(title: str) -> str:
    """The part of the page under a heading that begins so."""
    return PAGE.partition(f"\n## {title}")[2].partition("\n## ")[0]


def test_every_row_names_a_test() -> None:
    """In all tables but the one of what is ours."""
    rows = [line for line in PAGE.partition("\n## Names")[2].splitlines() if line.startswith("| ") and "---" not in line]
    assert [row for row in rows if "::" not in row and row != "| name | test |"] == []


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("RunnerDeployment", [field.name for field in dataclasses.fields(RunnerDeployment) if field.init]),
        ("Deployment (", list(Deployment.model_fields)),
        ("run_deployment", [name for name in inspect.signature(run).parameters if name != "client"]),
        ("load_flow_from_flow_run", [name for name in list(inspect.signature(load_flow_from_flow_run).parameters)[1:] if name != "client"]),
        ("serve", list(inspect.signature(serve).parameters)[1:]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_field_is_in_its_table(title: str, names: list[str]) -> None:
    """As the code has them, so that a new one is not forgotten."""
    assert [name for name in names if f"`{name}`" not in section(title)] == []


def test_every_public_name_is_on_the_page() -> None:
    """Of `flowhand.deployments`."""
    assert [name for name in flowhand.deployments.__all__ if not re.search(rf"\b{name}\b", PAGE)] == []
