"""Secrets that a run has come to know."""

from __future__ import annotations

from flowhand.sdk.context import process


def conceal(secret: str) -> None:
    """From its return on, the secret is masked in all that leaves the run: logs, states, stdout and stderr. Without effect outside of runs.

    What hands a secret to user code calls this first.
    """
    if secret and process.conceal is not None:
        process.conceal(secret)
