"""Events of blocks, on a real server: what the server tells of documents, and a run of what it loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flowhand.blocks.system import Secret
from support.rest import Rest, fresh
from support.server import RunningServer

PROGRAM = """
from flowhand import flow
from flowhand.blocks.system import Secret

@flow
def loads():
    Secret.load("{name}")

Secret.load("{name}")
loads()
"""


@pytest.fixture(autouse=True)
def here(api_server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWHAND_API_URL", api_server.url)
    monkeypatch.setenv("FLOWHAND_HOME", str(tmp_path))


def events(rest: Rest, prefix: str, resource: str) -> list[dict[str, Any]]:
    wanted = {"event": {"prefix": [prefix]}, "resource": {"id": [resource]}, "order": "ASC"}
    return rest.made("/events/filter", filter=wanted)["events"]


def test_the_server_tells_of_documents(rest: Rest) -> None:
    """Made, changed and deleted; by name, type and schema, and nothing of what is in them. Anonymous ones are nobody's business."""
    name = fresh("told")
    document_id = Secret(value="first-s3cret").save(name)
    Secret(value="second-s3cret").save(name, overwrite=True)
    document = rest.read(f"/block_documents/{document_id}")
    Secret.delete(name)
    hidden = Secret(value="x").save(is_anonymous=True)
    told = events(rest, "prefect.block-document.", f"prefect.block-document.{document_id}")
    assert [one["event"].rpartition(".")[2] for one in told] == ["created", "updated", "deleted"]
    for one in told:
        assert one["resource"]["prefect.resource.name"] == name
        related = {part["prefect.resource.role"]: part["prefect.resource.id"] for part in one["related"]}
        assert related == {
            "block-type": f"prefect.block-type.{document['block_type_id']}",
            "block-schema": f"prefect.block-schema.{document['block_schema_id']}",
        }
    assert "s3cret" not in str(told)
    assert events(rest, "prefect.block-document.", f"prefect.block-document.{hidden}") == []


def test_a_run_tells_which_blocks_it_loads(rest: Rest) -> None:
    """With the run beside them; a script that is no run tells of nothing."""
    name = fresh("loaded")
    document_id = Secret(value="s3cret").save(name)
    subprocess.run([sys.executable, "-c", PROGRAM.format(name=name)], check=True, timeout=60)
    (one,) = events(rest, "prefect.block.", f"prefect.block-document.{document_id}")
    assert (one["event"], one["resource"]["prefect.resource.name"]) == ("prefect.block.secret.loaded", name)
    roles = {part["prefect.resource.role"]: part["prefect.resource.id"] for part in one["related"]}
    assert roles["block-type"] == "prefect.block-type.secret"
    assert roles["flow-run"].startswith("prefect.flow-run.")
