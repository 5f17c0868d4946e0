"""Ending a server of this machine."""

from __future__ import annotations

import os
import select
import signal
from typing import Final

from flowhand.client.published import Published
from flowhand.errors import ServerUnusable

STOP_S: Final = 30.0


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
