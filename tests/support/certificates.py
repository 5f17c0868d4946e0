"""Certificates for servers of tests."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, both PEM."""

    cert: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    """A certificate for 127.0.0.1 that is its own authority, good for two days."""
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    words = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout {made.key} -out {made.cert}"
    command = ["openssl", *words.split(), "-subj", "/CN=flowhand", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return made
