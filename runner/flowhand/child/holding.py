"""A run whose working directory lies in a checkout of code storage keeps it from being collected, for as long as its process lives."""

from __future__ import annotations

from pathlib import Path

from flowhand.errors import FlowLoadError
from flowhand_storage.leases import Lease, hold

_held: list[Lease] = []


def hold_here() -> None:
    """Holds the checkout around the working directory, if it is one. FlowLoadError when it has just been removed."""
    here = Path.cwd()
    lease = hold(here)
    if lease is not None:
        _held.append(lease)
    elif not here.is_dir():
        raise FlowLoadError(f"the code in {here} was removed while the run started; run it again")
