"""What steps are given, and what they have led to so far."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowhand_storage.checkouts import CheckoutStore
from flowhand_storage.leases import Lease
from flowhand_storage.paths import local_path
from flowhand_storage.scrub import Redactor, Scrubber
from flowhand_storage.steps.known import KnownStep


@dataclass(frozen=True, slots=True)
class Reference:
    """What a template refers to outside of the steps: a block (`kind`, `name`) or, with the kind `variable`, a variable."""

    kind: str
    name: str

    @property
    def is_variable(self) -> bool:
        return self.kind == "variable"


Resolve = Callable[[Reference], Any]
"""Answers a block as plain data (a secret as its value) or a variable's value; raises when there is none."""

LoadBlock = Callable[[str, str], Any]
"""Answers the block of a type's slug and a name, as an object; raises when there is none."""


def _nothing(_: str) -> None:
    """For callers that want no log."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """What the process that runs steps hands in.

    `folder` is the run's own folder: steps begin there and put there what they name. `log` takes lines for the run's log. `redact` knows
    secrets beyond those that the steps themselves bring; `conceal` is told of each that they do bring, before it is used. `more` are
    steps known beyond ours, `kind` is what the steps are called in errors.
    """

    folder: Path
    store: CheckoutStore
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    resolve: Resolve | None = None
    load_block: LoadBlock | None = None
    log: Callable[[str], None] = _nothing
    redact: Redactor | None = None
    conceal: Callable[[str], object] = _nothing
    more: Mapping[str, KnownStep] = field(default_factory=dict[str, KnownStep])
    kind: str = "pull"


@dataclass(slots=True)
class Progress:
    """Where the steps have got to. `directory` is where the run shall work, `python` the interpreter it shall run in; None: not said.

    All but `leases` is plain data, so that another process can go on where one ended (`to_data`, `from_data`); that process takes leases
    of its own (`leases.hold`).
    """

    working_directory: str
    directory: str | None = None
    python: str | None = None
    done: int = 0
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    by_id: dict[str, Any] = field(default_factory=dict[str, Any])
    leases: list[Lease] = field(default_factory=list[Lease])

    def to_data(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "working_directory": self.working_directory,
            "directory": self.directory,
            "python": self.python,
            "done": self.done,
            "outputs": self.outputs,
            "by_id": self.by_id,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Progress:
        return cls(**data)

    def release(self) -> None:
        """Let go of all checkouts and environments. Idempotent."""
        for lease in self.leases:
            lease.release()


@dataclass(frozen=True, slots=True)
class StepRun:
    """One step while it runs."""

    context: StepContext
    progress: Progress
    scrub: Scrubber

    def path(self, name: str | None) -> Path:
        """A path that a step was given, counted from the working directory of the steps. InvalidSource."""
        name = name or "."
        return local_path(name if name.startswith("~") else Path(self.progress.working_directory, name))

    def learn(self, *secrets: str) -> None:
        """From now on these are secret: to the step, and to whoever redacts what the run says."""
        for secret in secrets:
            if not self.scrub.knows(secret):
                self.scrub.add(secret)
                self.context.conceal(secret)

    def log(self, line: str) -> None:
        """A line for the run's log, without secrets."""
        self.context.log(self.clean(line))

    def clean(self, text: str) -> str:
        """`text` without the secrets that the steps or the context know of."""
        text = self.scrub(text)
        return self.context.redact(text) if self.context.redact is not None else text
