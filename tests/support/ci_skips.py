"""In CI a skip for a missing tool is a failure: otherwise a test that never runs looks like one that passes.

A test that needs a tool skips with a reason that begins with "needs " and says what to install. With CI set in the environment such a
skip fails; every other skip (another platform, say) stays what it is.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Final

import pytest

NEEDS: Final = "needs "
_WORDS: Final = "Skipped: "


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test, its set-up or its tear-down."""
    report = yield
    _judge(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skips as a whole."""
    report = yield
    _judge(report)
    return report


def _judge(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not os.environ.get("CI") or not report.skipped or hasattr(report, "wasxfail") or not isinstance(report.longrepr, tuple):
        return
    path, line, words = report.longrepr
    reason = words.removeprefix(_WORDS)
    if reason.startswith(NEEDS):
        report.outcome = "failed"
        report.longrepr = f"{path}:{line}: in CI nothing is skipped for want of a tool; this test {reason}"
