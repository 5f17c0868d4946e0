"""Wrappers around arguments of tasks: `unmapped`, `allow_failure` and `quote`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Annotation(Generic[T]):
    """A value that a task call treats in a way of its own."""

    value: T


class unmapped(Annotation[T]):  # noqa: N801  # read as a word
    """The same for every call of a `.map()`, also when it could be iterated over."""


class allow_failure(Annotation[T]):  # noqa: N801
    """A future that may have failed: its error is handed over in place of a value."""


class quote(Annotation[T]):  # noqa: N801
    """A value that is handed over as it is: no futures are looked for in it."""
