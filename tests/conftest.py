"""What every test shares."""

from __future__ import annotations

import pytest

from support.ci_skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["anyio_backend", "pytest_make_collect_report", "pytest_runtest_makereport"]


@pytest.fixture
def anyio_backend() -> str:
    """The loop our programs run on."""
    return "asyncio"
