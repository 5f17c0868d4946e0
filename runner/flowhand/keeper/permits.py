"""Permits to begin: a file of an attempt that its process takes away right before the flow's function (`child.barrier`).

As long as it is there, nothing of the flow's function has run, whoever was killed meanwhile and whatever was said and not read. (Its
module's top level and its pull steps may have, and run again.) Who takes it away has decided: the process, that it begins, or goes on in
another interpreter and has said so; the keeper, that it does not begin any more. unlink(2) lets one of them have it.

It is a second name of the announcement of the keeper that gave it (`keeper.instance`), since a name costs a third of what a file does. So
it says of which boot it is: a crash of the host may bring back what was taken.
"""

from __future__ import annotations

import json
import os
from typing import Final

from flowhand.keeper import linux

SUFFIX: Final = ".permit"


def give(announcement: str, instance: int, runs: int, key: str) -> bool:
    """Whether the attempt has one now; not where the file system knows no second names. The folders are given by descriptors."""
    try:
        os.link(announcement, key + SUFFIX, src_dir_fd=instance, dst_dir_fd=runs)
    except FileExistsError:
        return True
    except OSError:
        return False
    return True


def withdraw(runs: int, key: str) -> bool:
    """Whether its process had not taken it, and does not begin any more."""
    try:
        os.unlink(key + SUFFIX, dir_fd=runs)
    except FileNotFoundError:
        return False
    return True


def stands(runs: int, key: str) -> bool:
    """Whether an attempt that has ended had surely not begun. False when that is not known."""
    try:
        fd = os.open(key + SUFFIX, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=runs)
    except OSError:
        return False
    with os.fdopen(fd, "rb") as file:
        try:
            return json.load(file)["boot_id"] == linux.boot_id()
        except (ValueError, KeyError, TypeError):  # torn by a crash of the host
            return False
