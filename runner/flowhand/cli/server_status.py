"""What `flowhand server status` tells."""

from __future__ import annotations

from flowhand.client import server
from flowhand.client.address import Address, configured_address, published_address
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Json
from flowhand.client.published import Published, published_server
from flowhand.errors import ApiError, ApiRefused
from flowhand.settings import Settings


def facts(settings: Settings) -> Json:
    """The API that the settings mean, without starting one. `running` says whether it answers; `error` why not."""
    published = published_server(settings.home)
    address = configured_address(settings) or (published_address(settings, published) if published else None)
    if address is None:
        return {"running": False, "error": f"no API is configured and no server of {settings.home} runs"}
    found: Json = {"running": False, "url": address.url, "configured": settings.api_url is not None}
    if published is not None and published.url == address.url:
        found |= _of_ours(published)
    return found | _asked(address)


def _of_ours(published: Published) -> Json:
    return {"pid": published.pid, "version": published.version, "server_id": published.server_id}


def _asked(address: Address) -> Json:
    with SyncApiClient(address, timeout_s=5.0, patience_s=0.0) as client:
        try:
            client.send(server.health())
            found: Json = {"running": True, "contract": client.send(server.package_version())}
        except ApiError as error:
            return {"error": str(error)}
        try:
            return found | client.send(server.status())
        except ApiRefused:  # another server than ours has no such route
            return found
