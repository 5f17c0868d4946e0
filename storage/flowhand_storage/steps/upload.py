"""The steps that put a project where its runs fetch it: for whoever deploys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flowhand_storage.ignore import find_rules
from flowhand_storage.steps import stores
from flowhand_storage.steps.progress import StepRun
from flowhand_storage.transfer import upload_tree
from flowhand_storage.upload_bar import upload_bar


def push_to_s3(
    run: StepRun,
    *,
    bucket: str,
    folder: str,
    credentials: dict[str, Any] | None = None,
    client_parameters: dict[str, Any] | None = None,
    ignore_file: str | None = None,
) -> dict[str, str]:
    """Put the working directory into a folder of a bucket, without what the ignore file names. Puts out `bucket` and `folder`."""
    _upload(run, stores.s3(bucket, folder, credentials, client_parameters), ignore_file)
    return {"bucket": bucket, "folder": folder}


def push_to_gcs(
    run: StepRun,
    *,
    bucket: str,
    folder: str,
    project: str | None = None,
    credentials: dict[str, Any] | None = None,
    ignore_file: str | None = None,
) -> dict[str, str]:
    """Put the working directory into a folder of a bucket, without what the ignore file names. Puts out `bucket` and `folder`."""
    _upload(run, stores.gcs(bucket, folder, project, credentials), ignore_file)
    return {"bucket": bucket, "folder": folder}


def push_to_azure_blob_storage(
    run: StepRun, *, container: str, folder: str, credentials: dict[str, Any] | None = None, ignore_file: str | None = None
) -> dict[str, str]:
    """Put the working directory into a folder of a container, without what the ignore file names. Puts out `container` and `folder`."""
    _upload(run, stores.azure(container, folder, credentials), ignore_file)
    return {"container": container, "folder": folder}


def _upload(run: StepRun, store: stores.Store, ignore_file: str | None) -> None:
    folder = run.path(None)
    named = folder / ignore_file if ignore_file else None
    # The name that Prefect's steps have for it even where there is none
    rules = find_rules(folder, named if named is not None and (named.exists() or ignore_file != ".prefectignore") else None)
    url, settings = store
    with upload_bar() as progress:
        count = upload_tree(Path(folder), url, settings, rules=rules, progress=progress)
    run.log(f"{count} files went to {url}")
