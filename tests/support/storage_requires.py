"""Packages that a test needs beyond those that flowhand itself has."""

from __future__ import annotations

import importlib.util
import os

import pytest


def require(*modules: str) -> None:
    """Where one is missing the test is skipped and says what to install; in CI it fails."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        message = f"install the development dependencies to run this test: there is no {', '.join(missing)}"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
