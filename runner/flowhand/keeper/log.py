"""keeper.log: one line an event, of which there are few. The launcher made it the keeper's standard error."""

from __future__ import annotations

import contextlib
import os
import sys
import time


def say(line: str) -> None:
    """Writes one line, stamped in UTC; on a full disk it waits in the buffer or is lost, since no run is worth less than a line."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{stamp} keeper {os.getpid()}: {line}\n")
        sys.stderr.flush()
