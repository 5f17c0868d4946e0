"""Which server makes room for which client."""

from __future__ import annotations

import pytest

from flowhand.client.published import Published
from flowhand.client.succession import is_outdated


@pytest.mark.parametrize(
    ("theirs", "ours", "embedded", "outdated"),
    [
        ("0.1.0", "0.2.0", True, True),
        ("0.9.0", "0.10.0", True, True),
        ("0.2.0", "0.1.0", True, False),
        ("0.1.0", "0.1.0", True, False),
        ("0.1.0rc1", "0.1.0", True, False),
        ("", "0.1.0", True, True),
        ("0.1.0", "0.2.0", False, False),
    ],
)
def test_only_an_older_embedded_server_is_outdated(theirs: str, ours: str, embedded: bool, outdated: bool) -> None:
    """Numbers are compared as numbers; a server that a person started is never ended by a client."""
    assert is_outdated(Published("http://h/api", 1, theirs, "id", embedded), ours) is outdated
