"""What an attempt that has ended has said, read at once and for that alone: while the API is away the reporter reads no further, and hooks
that its process could not call should not wait for that.

It is read again when the API is back, to be told. Nothing of it is kept but the secrets that it names.
"""

from __future__ import annotations

from typing import Final

import anyio.lowlevel

from flowhand.daemon.follower import Follower
from flowhand.daemon.run import Run
from flowhand.execution.launcher import EVERYTHING, Launcher

READ_BYTES: Final = 1 << 20


async def read_ahead(run: Run, launcher: Launcher) -> Run:
    """The run as it will be once all of its files are read; the run itself learns its secrets, and how long its channel is. Cancellable."""
    ahead = Run(run.claimed, Follower(run.key, launcher), run.lease_until, pid=run.pid, started=run.started, stopping=run.stopping)
    ahead.exit, ahead.ended, ahead.why = run.exit, True, run.why
    follower = ahead.follower
    follower.secrets = run.secrets
    follower.grown(run.exit.sizes if run.exit else EVERYTHING, 0)
    follower.ended = True
    while follower.pending:
        for frame in (await follower.take(READ_BYTES)).frames:
            ahead.hear(frame)
        await anyio.lowlevel.checkpoint()
    run.follower.ends_at(follower.channel_size)
    return ahead
