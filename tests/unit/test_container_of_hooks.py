"""The container in which hooks are called of a run whose own has gone."""

from __future__ import annotations

import pytest

from flowhand.daemon.containers import container_of, for_hooks
from flowhand.wire.runner import ClaimedRun

CLAIMED = ClaimedRun(
    run_id="01a20204-cdb6", attempt=2, run_count=1, name="able-bat", flow_id="f", flow_name="flow", scheduled_us=0, start_in_s=0, lease_s=60
)


@pytest.mark.parametrize(("policy", "followed"), [("Always", "IfNotPresent"), ("Never", "Never"), (None, None)])
def test_it_is_the_runs_own_but_for_name_and_end(policy: str | None, followed: str | None) -> None:
    """Beside the run's, which may be kept; of the image that is there, not of a newer one; and removed, whatever becomes of the run's."""
    config = {"image": "flows:1", "mem_limit": "1g", "image_pull_policy": policy, "auto_remove": False}
    own = container_of(CLAIMED, config, {"GIVEN": "yes"}, None)
    beside = for_hooks(own)
    assert (own["name"], beside["name"]) == ("able-bat-01a20204-2", "able-bat-01a20204-2-hooks")
    assert (beside["image_pull_policy"], beside["auto_remove"]) == (followed, True)
    same = own.keys() - {"name", "image_pull_policy", "auto_remove"}
    assert {name: beside[name] for name in same} == {name: own[name] for name in same}
