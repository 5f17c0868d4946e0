"""The worker's credentials, as a run uses them."""

from __future__ import annotations

from flowhand.client.address import configured_address
from flowhand.deployments.api import credentials
from flowhand.settings import Settings


def test_a_header_becomes_the_settings_that_make_it_again() -> None:
    """Bearer and Basic, there and back; no header gives no settings."""
    for given in ({"api_key": "key-1"}, {"api_auth_string": "user:pass:word"}):
        address = configured_address(Settings(api_url="http://198.51.100.1/api", **given))
        assert address is not None
        assert credentials(address.authorization) == given
    assert credentials(None) == {}
