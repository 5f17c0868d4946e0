"""Opening a client to whatever API the settings mean: the configured one, or the embedded server, brought up when needed."""

from __future__ import annotations

from functools import partial

from anyio import to_thread

from flowhand.client.api import PATIENCE_S, ApiClient, SyncApiClient
from flowhand.client.embedded import ensure_api
from flowhand.settings import Settings


def open_sync(settings: Settings, *, patience_s: float = PATIENCE_S) -> SyncApiClient:
    """A client for plain code. May take seconds when the embedded server has to start. ServerUnusable when it cannot."""
    revive = partial(ensure_api, settings)
    return SyncApiClient(revive(), timeout_s=settings.api_timeout, patience_s=patience_s, revive=revive)


async def open_async(settings: Settings, *, patience_s: float = PATIENCE_S) -> ApiClient:
    """A client for the running loop; the embedded server is awaited in a thread."""
    revive = partial(ensure_api, settings)
    address = await to_thread.run_sync(revive)
    return ApiClient(address, timeout_s=settings.api_timeout, patience_s=patience_s, revive=revive)
