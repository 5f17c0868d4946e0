"""Reaching the API from a command."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from flowhand.client.api import SyncApiClient
from flowhand.client.connect import open_sync
from flowhand.settings import load


@contextmanager
def api() -> Generator[SyncApiClient, None, None]:
    """A client on the API of the settings, for one command. Starts the embedded server when none is configured and none runs."""
    with open_sync(load()) as client:
        yield client
