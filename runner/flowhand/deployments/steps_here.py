"""Steps carried out in this process, with blocks and variables from the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flowhand.blocks import errands
from flowhand.blocks.block import Block
from flowhand.client.references import VARIABLE, value_of
from flowhand.deployments.api import perform
from flowhand.sdk.dual import run_plain
from flowhand.sdk.secrets import conceal
from flowhand_storage.checkouts import CheckoutStore, default_root
from flowhand_storage.leases import Lease
from flowhand_storage.steps.known import NO_MORE, KnownStep
from flowhand_storage.steps.progress import Progress, Reference, StepContext
from flowhand_storage.steps.run import run_steps

_held: list[Lease] = []
"""For the life of this process: code that was fetched is not collected under it."""


def carry_out(steps: list[dict[str, Any]], log: Callable[[str], None], more: Mapping[str, KnownStep] = NO_MORE) -> Progress:
    """Carries out steps in order, beginning in the working directory, which stays as it is. To be called from plain code: it blocks.
    `more` are steps beyond those of a run.

    Errors of flowhand_storage.errors: InvalidStep before anything is done for steps that never can be, StepFailed for the first that fails.
    """
    context = StepContext(
        folder=Path.cwd(), store=CheckoutStore(default_root()), resolve=_value, load_block=_block, log=log, conceal=conceal, more=more
    )
    progress = run_steps(steps, context)
    _held.extend(progress.leases)
    return progress


def _value(reference: Reference) -> Any:
    return run_plain(perform(value_of(VARIABLE if reference.is_variable else reference.kind, reference.name)))


def _block(kind: str, name: str) -> Block:
    return run_plain(perform(errands.load(Block, f"{kind}/{name}")))
