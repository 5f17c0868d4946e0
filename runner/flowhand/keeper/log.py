"""keeper.log: one line an event, of which there are few. The launcher made it the keeper's standard error."""

from __future__ import annotations

import os
import sys
import time


def say(line: str) -> None:
    """Writes one line, stamped in UTC."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    sys.stderr.write(f"{stamp} keeper {os.getpid()}: {line}\n")
    sys.stderr.flush()
