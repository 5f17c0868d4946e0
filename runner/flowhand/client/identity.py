"""How we introduce ourselves to a server.

A Prefect server reads the package version out of the User-Agent and switches parts of its orchestration by it (contract 1.1), so ours
begins like that of the client whose contract we speak; our own name and version follow.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

CONTRACT: Final = "3.9.1"
API_VERSION: Final = "0.8.4"


@cache
def flowhand_version() -> str:
    """The installed version; `0` where there is no metadata (a bare checkout on the path)."""
    try:
        return version("flowhand")
    except PackageNotFoundError:
        return "0"


def headers() -> dict[str, str]:
    """The headers of every request."""
    return {
        "User-Agent": f"prefect/{CONTRACT} (API {API_VERSION}) flowhand/{flowhand_version()}",
        "X-PREFECT-API-VERSION": API_VERSION,
        "Accept": "application/json",
    }
