"""Settings: where they come from, and what is told of those that make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowhand.errors import ConfigurationError
from flowhand.settings import load, origins


def test_the_environment_wins_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    """And each says where it comes from."""
    (tmp_path / "flowhand.toml").write_text("worker_limit = 3\nworker_drain = 5\n")
    found = origins({"FLOWHAND_WORKER_LIMIT": "7"}, tmp_path)
    assert (found["worker_limit"].value, found["worker_limit"].source) == (7, "environment FLOWHAND_WORKER_LIMIT")
    assert (found["worker_drain"].value, found["worker_drain"].source) == (5.0, f"file {tmp_path / 'flowhand.toml'}")
    assert found["worker_grace"].source == "default"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("FLOWHAND_WORKER_LIMIT", "0", "one or more"),
        ("FLOWHAND_WORKER_LIMIT", "-2", "one or more"),
        ("FLOWHAND_WORKER_LIMIT", "many", "not a number"),
        ("FLOWHAND_WORKER_DRAIN", "-5", "zero or more"),
        ("FLOWHAND_WORKER_DRAIN", "nan", "zero or more"),
        ("FLOWHAND_SERVER_LEASE", "0", "above zero"),
        ("FLOWHAND_SERVER_LEASE", "inf", "above zero"),
        ("FLOWHAND_SERVER_PORT", "99999", "0 to 65535"),
        ("FLOWHAND_LOG_FORMAT", "pretty", "auto, console, json"),
        ("FLOWHAND_LOG_LEVEL", "loud", "DEBUG"),
        ("FLOWHAND_API_URL", "localhost:4200", "http://"),
        ("FLOWHAND_WORKR_LIMIT", "1", "did you mean FLOWHAND_WORKER_LIMIT"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(tmp_path: Path, name: str, text: str, words: str) -> None:
    """The variable and what it must be, in one line."""
    with pytest.raises(ConfigurationError, match=words) as raised:
        load({name: text}, tmp_path)
    assert name in str(raised.value)


def test_a_file_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    """The file and the key."""
    (tmp_path / "flowhand.toml").write_text("worker_limt = 3\n")
    with pytest.raises(ConfigurationError, match=r"flowhand.toml: unknown setting 'worker_limt', did you mean worker_limit"):
        load({}, tmp_path)


def test_a_password_in_a_wrong_url_is_not_shown(tmp_path: Path) -> None:
    """The error names the variable, not the secret."""
    with pytest.raises(ConfigurationError) as raised:
        load({"FLOWHAND_API_URL": "htp://user:pass-word@host/api"}, tmp_path)
    assert "pass-word" not in str(raised.value)
    assert "host/api" in str(raised.value)
