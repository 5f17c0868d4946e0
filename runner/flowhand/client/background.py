"""A server in the background: started until it answers, stopped until it is gone."""

from __future__ import annotations

import os
import select
import signal
from typing import Final

from flowhand.client.embedded import start_locked
from flowhand.client.published import Published, published_server
from flowhand.errors import ServerUnusable
from flowhand.settings import Settings

STOP_S: Final = 30.0


def start_server(settings: Settings, *options: str) -> Published:
    """Starts a server that stays until it is stopped, and returns when it answers. ServerUnusable says why it cannot be had."""
    start_locked(settings, options)
    published = published_server(settings.home)
    if published is None:
        raise ServerUnusable(f"the server of {settings.home} left right after it started; see `server/server.log` there")
    return published


def stop_server(published: Published, stop_s: float = STOP_S) -> None:
    """SIGTERM, then waits for its end. ServerUnusable when it is still there after `stop_s` seconds. Idempotent."""
    try:
        handle = os.pidfd_open(published.pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        if not select.select([handle], [], [], stop_s)[0]:
            raise ServerUnusable(f"the server (pid {published.pid}) did not end within {stop_s:g} s of SIGTERM; `kill -9` ends it")
    except ProcessLookupError:
        return
    finally:
        os.close(handle)
