"""Secrets that this process has come to know."""

from __future__ import annotations

from typing import Final

from flowhand.sdk.context import process

KNOWN: Final[set[str]] = set()
"""All of them, for whoever tells the API of runs that are called here."""


def conceal(secret: str) -> None:
    """From its return on, the secret is masked in all that leaves a run: logs and states, and of a worker's run stdout and stderr as well.

    What hands a secret to user code calls this first.
    """
    if not secret:
        return
    KNOWN.add(secret)
    if process.conceal is not None:
        process.conceal(secret)
