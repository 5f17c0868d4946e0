"""Object stores as steps name them: bucket or container, folder and credentials become an address and the settings of its file system."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flowhand_storage.remote.options import service_account

Store = tuple[str, dict[str, Any]]
_S3_NAMES = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "aws_session_token": "token", "profile_name": "profile"}
_S3_CLIENT = ("region_name", "endpoint_url", "verify", "use_ssl", "api_version")


def s3(bucket: str, folder: str, credentials: dict[str, Any] | None, client_parameters: dict[str, Any] | None) -> Store:
    """`credentials` as an AWS credentials block has them, else what boto3 finds on the machine; `client_parameters` go to the client."""
    given = dict(credentials or {})
    own = given.pop("aws_client_parameters", None) or {}
    client = {name: value for name, value in (given | own | (client_parameters or {})).items() if name in _S3_CLIENT and value is not None}
    settings: dict[str, Any] = {_S3_NAMES[name]: value for name, value in given.items() if name in _S3_NAMES and value}
    return f"s3://{bucket}/{folder}".rstrip("/"), settings | ({"client_kwargs": client} if client else {})


def gcs(bucket: str, folder: str, project: str | None, credentials: dict[str, Any] | None) -> Store:
    """`credentials` as a GCP credentials block has them, else what the client library finds on the machine."""
    given = dict(credentials or {})
    token = given.get("service_account_info") or given.get("service_account_file")
    settings = {"token": service_account(token), "project": project or given.get("project")}
    return f"gs://{bucket}/{folder}".rstrip("/"), {name: value for name, value in settings.items() if value}


def azure(container: str, folder: str, credentials: dict[str, Any] | None) -> Store:
    """`credentials` holds a `connection_string`, or an `account_url` for what the client library finds on the machine."""
    given = dict(credentials or {})
    settings: dict[str, Any] = {"connection_string": given.get("connection_string")}
    if not settings["connection_string"] and given.get("account_url"):
        account = (urlsplit(str(given["account_url"])).hostname or "").partition(".")[0]
        settings = {"account_name": account, "anon": False}
    return f"az://{container}/{folder}".rstrip("/"), {name: value for name, value in settings.items() if value is not None}
