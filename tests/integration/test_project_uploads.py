"""The steps that put a project into an object store, and the pull steps that fetch it from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.steps.known import UPLOADS
from flowhand_storage.steps.progress import StepContext
from flowhand_storage.steps.run import run_steps
from support.storage_files import read_files
from support.storage_s3 import KEY, SECRET, new_bucket, s3_settings


def test_a_project_goes_to_a_bucket_and_comes_back(tmp_path: Path) -> None:
    """Less what the ignore file names; the outputs name the place for the pull step."""
    bucket, settings = new_bucket(), s3_settings()
    project = tmp_path / "project"
    for name in ("flows.py", "lib/part.py", "data/big.bin"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(name)
    (project / ".prefectignore").write_text("data/\n")
    credentials = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "eu-central-1"}
    client = {"endpoint_url": settings["endpoint_url"]}
    lines: list[str] = []
    context = StepContext(folder=project, store=CheckoutStore(tmp_path / "store"), log=lines.append, more=UPLOADS, kind="push")
    common: dict[str, Any] = {"credentials": credentials, "client_parameters": client}
    push = {"id": "code", "requires": "prefect-aws>=0.3.4", "bucket": bucket, "folder": "code", "ignore_file": ".prefectignore", **common}
    pull = {"bucket": "{{ code.bucket }}", "folder": "{{ code.folder }}", **common}
    progress = run_steps([{"prefect_aws.deployments.steps.push_to_s3": push}, {"pull_from_s3": pull}], context)
    names = {name.removeprefix(f"{bucket}/code/") for name in fsspec.filesystem("s3", **settings).find(f"{bucket}/code")}
    assert names == {"flows.py", "lib/part.py", ".prefectignore"}
    assert read_files(Path(progress.outputs["directory"])).keys() == names
    assert any("3 files went to s3://" in line for line in lines)
    assert SECRET not in str(lines)
