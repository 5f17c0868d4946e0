"""Faults planted on purpose, in adaptors around the real code: the simulation is worth something only if it finds each of them."""

from __future__ import annotations

from collections.abc import Callable

from .house import House

Plant = Callable[[House], None]
