"""What `worker sweep` calls what it found."""

from __future__ import annotations

import pytest

from flowhand.cli.sweeping import run_of
from flowhand.wire.job import key_of, late_hooks_id


@pytest.mark.parametrize("named", ["01a2", late_hooks_id("01a2")])
def test_a_stray_is_named_by_its_run(named: str) -> None:
    """Also when it calls the hooks of that run in its place."""
    assert run_of(key_of(named, 3)) == "01a2"
