"""The worker's credentials, as a run uses them."""

from __future__ import annotations

from flowhand.client.address import configured_address
from flowhand.deployments.api import credentials
from flowhand.settings import Settings


def test_a_header_becomes_the_settings_that_make_it_again() -> None:
    """Bearer and Basic, there and back; no header gives no settings."""
    url = "http://198.51.100.1/api"
    for settings in (Settings(api_url=url, api_key="key-1"), Settings(api_url=url, api_auth_string="user:pass:word")):
        address = configured_address(settings)
        assert address is not None
        known = credentials(address.authorization)
        assert (known.get("api_key"), known.get("api_auth_string")) == (settings.api_key, settings.api_auth_string)
    assert credentials(None) == {}
