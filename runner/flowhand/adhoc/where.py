"""Which API a called flow is told to: the configured one, or this home's server if it runs. None is ever started for that.

Light on purpose: a script that calls flows without an API pays for this module and nothing more.
"""

from __future__ import annotations

from functools import cache

from flowhand.client.address import Address, configured_address, published_address
from flowhand.client.published import published_server
from flowhand.settings import Settings, load


@cache
def settings_in_force() -> Settings:
    """The settings of this process, read at its first call of a flow. ConfigurationError names what is wrong with them."""
    return load()


def api_in_sight(settings: Settings) -> Address | None:
    """Where the API is. A configured one need not answer; of a home's own server the process is known to live."""
    configured = configured_address(settings)
    if configured is not None:
        return configured
    published = published_server(settings.home)
    return None if published is None else published_address(settings, published)
