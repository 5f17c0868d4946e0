"""What modules register for a fork (`os.register_at_fork`) is kept for the runs; a fork of the keeper's own calls none of it.

The hooks of logging, random and threading make locks and thread tables new that other threads may have held. The keeper has one thread and
forks outside of all of them, so that there is nothing to mend, while calling them costs every run 170 copied pages, 0.6 ms of CPU
(Python 3.11). A run that forks on its own needs them: they are registered in it first of all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, Final

_kept: Final[list[dict[str, Callable[[], object]]]] = []
_register: Final = os.register_at_fork


def keep() -> None:
    """From now on hooks are kept, not registered. To be called before the modules are imported that have some."""
    os.register_at_fork = _keep  # pyright: ignore[reportAttributeAccessIssue] - the same signature, by keyword


def hand_over() -> None:
    """In a newborn: the hooks are registered, and what would be wrong in a copy of the keeper is set right."""
    os.register_at_fork = _register
    _register(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
    modules: dict[str, Any] = sys.modules
    if "random" in modules:
        modules["random"].seed()
    if "threading" in modules:
        modules["threading"].main_thread()._set_native_id()  # noqa: SLF001 - as threading's own hook does


def _keep(**hooks: Any) -> None:
    _kept.append(hooks)


def _before() -> None:
    for hooks in reversed(_kept):
        if "before" in hooks:
            hooks["before"]()


def _after_in_parent() -> None:
    for hooks in _kept:
        if "after_in_parent" in hooks:
            hooks["after_in_parent"]()


def _after_in_child() -> None:
    for hooks in _kept:
        if "after_in_child" in hooks:
            hooks["after_in_child"]()
