"""The steps that fetch from object stores and whatever else fsspec reads."""

from __future__ import annotations

from typing import Any

from flowhand_storage.remote.source import remote_source
from flowhand_storage.steps import stores
from flowhand_storage.steps.fetching import fetch
from flowhand_storage.steps.progress import StepRun


def pull_from_remote_storage(run: StepRun, *, url: str, **settings: Any) -> dict[str, str]:
    """Fetch what is below `url`; `settings` go to fsspec's file system. Puts out `directory`, absolute."""
    return {"directory": fetch(run, remote_source(url, settings))}


def pull_from_s3(
    run: StepRun,
    *,
    bucket: str,
    folder: str,
    credentials: dict[str, Any] | None = None,
    client_parameters: dict[str, Any] | None = None,
) -> dict[str, str]:
    """Fetch a folder of a bucket. Puts out `bucket`, `folder` and `directory`. Credentials as in `stores.s3`."""
    source = remote_source(*stores.s3(bucket, folder, credentials, client_parameters))
    return {"bucket": bucket, "folder": folder, "directory": fetch(run, source)}


def pull_from_gcs(
    run: StepRun, *, bucket: str, folder: str, project: str | None = None, credentials: dict[str, Any] | None = None
) -> dict[str, str]:
    """Fetch a folder of a bucket. Puts out `bucket`, `folder` and `directory`. Credentials as in `stores.gcs`."""
    source = remote_source(*stores.gcs(bucket, folder, project, credentials))
    return {"bucket": bucket, "folder": folder, "directory": fetch(run, source)}


def pull_from_azure_blob_storage(run: StepRun, *, container: str, folder: str, credentials: dict[str, Any] | None = None) -> dict[str, str]:
    """Fetch a folder of a container. Puts out `container`, `folder` and `directory`. Credentials as in `stores.azure`."""
    source = remote_source(*stores.azure(container, folder, credentials))
    return {"container": container, "folder": folder, "directory": fetch(run, source)}
