"""Deploying to an API that does not let us in."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowhand import flow
from flowhand.deployments import DeploymentApplyError
from support.scripted_api import Say, in_order, scripted_api


@flow
def a_flow() -> None:
    """Does nothing."""


def test_missing_credentials_are_told_with_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 401 whose detail says nothing: the error names the settings."""
    monkeypatch.chdir(Path(__file__).parent)
    monkeypatch.setenv("FLOWHAND_HOME", str(tmp_path))
    with scripted_api(in_order(Say(401, {"detail": "no"}))) as api:
        monkeypatch.setenv("FLOWHAND_API_URL", api.url)
        with pytest.raises(DeploymentApplyError, match="FLOWHAND_API_KEY"):
            a_flow.to_deployment("d").apply()


def test_an_error_is_not_said_to_have_come_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads the traceback sees what is wrong, not that plain code has no event loop."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="from_entrypoint") as caught:
        a_flow.to_deployment("d")
    assert caught.value.__context__ is None
