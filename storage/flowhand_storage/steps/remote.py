"""The steps that fetch from object stores and whatever else fsspec reads."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flowhand_storage.remote.options import service_account
from flowhand_storage.remote.source import remote_source
from flowhand_storage.steps.fetching import fetch
from flowhand_storage.steps.progress import StepRun

_S3_NAMES = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "aws_session_token": "token", "profile_name": "profile"}
_S3_CLIENT = ("region_name", "endpoint_url", "verify", "use_ssl", "api_version")


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
    """Fetch a folder of a bucket. Puts out `bucket`, `folder` and `directory`.

    `credentials` as an AWS credentials block has them, else what boto3 finds on the machine; `client_parameters` go to the client.
    """
    given = dict(credentials or {})
    own = given.pop("aws_client_parameters", None) or {}
    client = {name: value for name, value in (given | own | (client_parameters or {})).items() if name in _S3_CLIENT and value is not None}
    settings: dict[str, Any] = {_S3_NAMES[name]: value for name, value in given.items() if name in _S3_NAMES and value}
    source = remote_source(f"s3://{bucket}/{folder}".rstrip("/"), settings | ({"client_kwargs": client} if client else {}))
    return {"bucket": bucket, "folder": folder, "directory": fetch(run, source)}


def pull_from_gcs(
    run: StepRun, *, bucket: str, folder: str, project: str | None = None, credentials: dict[str, Any] | None = None
) -> dict[str, str]:
    """Fetch a folder of a bucket. Puts out `bucket`, `folder` and `directory`.

    `credentials` as a GCP credentials block has them, else what the client library finds on the machine.
    """
    given = dict(credentials or {})
    token = given.get("service_account_info") or given.get("service_account_file")
    settings = {"token": service_account(token), "project": project or given.get("project")}
    source = remote_source(f"gs://{bucket}/{folder}".rstrip("/"), {name: value for name, value in settings.items() if value})
    return {"bucket": bucket, "folder": folder, "directory": fetch(run, source)}


def pull_from_azure_blob_storage(run: StepRun, *, container: str, folder: str, credentials: dict[str, Any] | None = None) -> dict[str, str]:
    """Fetch a folder of a container. Puts out `container`, `folder` and `directory`.

    `credentials` holds a `connection_string`, or an `account_url` for what the client library finds on the machine.
    """
    given = dict(credentials or {})
    settings = {"connection_string": given.get("connection_string")}
    if not settings["connection_string"] and given.get("account_url"):
        account = (urlsplit(str(given["account_url"])).hostname or "").partition(".")[0]
        settings = {"account_name": account, "anon": False}
    source = remote_source(f"az://{container}/{folder}".rstrip("/"), {name: value for name, value in settings.items() if value is not None})
    return {"container": container, "folder": folder, "directory": fetch(run, source)}
