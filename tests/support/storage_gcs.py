"""A Google Cloud Storage server for tests: an emulator, as a process of its own, one for the whole session."""

from __future__ import annotations

import functools
import os
from typing import Any

from support.storage_requires import require
from support.storage_servers import free_port, serve_module

# Newer versions of gcsfs ask a second service, over gRPC, what kind of bucket it is; the emulator has no such service.
os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")


@functools.cache
def gcs_settings() -> dict[str, Any]:
    """fsspec settings that reach the emulator, which is started on the first call. Skips without it or gcsfs; fails so in CI."""
    require("gcp_storage_emulator", "gcsfs")
    port = free_port()
    serve_module("gcp_storage_emulator", "start", "--host", "127.0.0.1", "--port", str(port), "--in-memory", port=port)
    return {"token": "anon", "project": "tests", "endpoint_url": f"http://127.0.0.1:{port}"}
