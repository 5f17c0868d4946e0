"""An S3 server for tests: moto's, as a process of its own, one for the whole session."""

from __future__ import annotations

import functools
import uuid
from typing import Any

import fsspec

from support.storage_requires import require
from support.storage_servers import free_port, serve_module

KEY, SECRET = "AKIATESTKEY00000", "s3cret-of-the-bucket"


@functools.cache
def s3_settings() -> dict[str, Any]:
    """fsspec settings that reach the server, which is started on the first call. Skips without moto or s3fs; fails so in CI."""
    require("moto", "s3fs")
    port = free_port()
    serve_module("moto.server", "-H", "127.0.0.1", "-p", str(port), port=port)
    return {"key": KEY, "secret": SECRET, "endpoint_url": f"http://127.0.0.1:{port}", "client_kwargs": {"region_name": "eu-central-1"}}


def new_bucket() -> str:
    """The name of a new, empty bucket."""
    name = f"code-{uuid.uuid4().hex[:12]}"
    settings = s3_settings()
    fsspec.filesystem("s3", **settings).mkdir(name)
    return name
