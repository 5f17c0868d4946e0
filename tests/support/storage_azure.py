"""Azure's blob storage for tests: Azurite, the maker's own emulator, a program for Node. One process for the whole session.

It is installed on first use, outside the repository, and kept: `~/.cache/flowhand-tests/azurite-<version>`, or the folder that
FLOWHAND_TEST_AZURITE names. Where that cannot be done the tests skip.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.storage_requires import require
from support.storage_servers import free_port, serve_program

VERSION = "3.37.0"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's own, the same for everybody, and no secret."""


@functools.cache
def azure_settings() -> dict[str, Any]:
    """fsspec settings that reach the emulator, which is started on the first call. Skips without npm; fails in CI without adlfs."""
    program, port = _azurite(), free_port()
    require("adlfs")
    options = ("--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck", "--silent")
    serve_program(str(program), *options, port=port)
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    return {"connection_string": f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint};"}


def _azurite() -> Path:
    kept = os.environ.get("FLOWHAND_TEST_AZURITE")
    folder = Path(kept) if kept else Path.home() / ".cache" / "flowhand-tests" / f"azurite-{VERSION}"
    program = folder / "node_modules" / ".bin" / "azurite-blob"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _install(folder)
    return program


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("Azurite is a program for Node: install npm to run this test")
    options = ("--no-audit", "--no-fund", "--omit=optional", "--loglevel=error")
    command = [npm, "install", "--prefix", str(folder), *options, f"azurite@{VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install azurite: {done.stderr.strip()[-300:]}")
