"""A Google Cloud Storage server for tests: an emulator, as a process of its own, one for the whole session."""

from __future__ import annotations

import atexit
import functools
import os
import socket
import subprocess
import sys
import time
from typing import Any

from support.storage_requires import require

# Newer versions of gcsfs ask a second service, over gRPC, what kind of bucket it is; the emulator has no such service.
os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")


@functools.cache
def gcs_settings() -> dict[str, Any]:
    """fsspec settings that reach the emulator, which is started on the first call. Skips without it or gcsfs; fails so in CI."""
    require("gcp_storage_emulator", "gcsfs")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--host", "127.0.0.1", "--port", str(port), "--in-memory"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(process.kill)
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None, "the emulator ended"
            assert time.monotonic() < deadline, "the emulator does not answer"
            time.sleep(0.02)
    return {"token": "anon", "project": "tests", "endpoint_url": f"http://127.0.0.1:{port}"}
