"""`python -P -m flowhand.keeper --directory INSTANCE`: the keeper as a program. Started by the launcher; not meant for people."""

from __future__ import annotations

import argparse
import os
import resource
import sys
from pathlib import Path
from typing import Any

from flowhand.keeper import cgroups, fork_hooks, forking, linux, mark
from flowhand.keeper.instance import Instance
from flowhand.keeper.log import say
from flowhand.keeper.protocol import Refused

_inherited: list[Any] = []
"""In a run: what was the keeper's. Kept, since letting go of its sockets would close descriptors that are the run's by now."""


def main() -> int:
    """0 when it was dismissed, 1 when it could not begin."""
    options = _options()
    place = mark.Place()
    _occupy_low_descriptors()
    groups = cgroups.find(options.directory)
    fork_hooks.keep()
    # The image of the runs is loaded from here on: the usher, forked just now, would carry 22 MB of it for nothing.
    from flowhand.keeper import born
    from flowhand.keeper.keeper import Keeper

    try:
        instance = Instance(options.directory, options.number, options.fingerprint)
    except (Refused, OSError) as error:
        say(f"cannot begin: {error}")
        return 1
    linux.become_subreaper()
    surroundings = forking.Surroundings(os.getpid(), place, _raise_file_limit())
    keeper = Keeper(instance, surroundings, groups, options.version, options.alone)
    _inherited.append(keeper)
    _say_ready()
    newborn: forking.Newborn | None = None
    try:
        keeper.serve()
    except forking.Newborn as birth:
        newborn = birth.with_traceback(None)
    if newborn is not None:
        born.live(newborn)
    say("leaves")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="flowhand.keeper")
    parser.add_argument("--directory", type=Path, required=True, help="the instance's folder")
    parser.add_argument("--number", type=int, default=1, help="which keeper of the instance this is")
    parser.add_argument("--version", default="", help="of the flowhand that started it")
    parser.add_argument("--fingerprint", default="", help="of the image it is to be")
    parser.add_argument("--alone", type=float, default=60.0, help="seconds without a daemon and living attempts after which it leaves")
    return parser.parse_args()


def _occupy_low_descriptors() -> None:
    """Standard ones and the channel's are taken, so that nothing of ours ever gets a number that a child needs."""
    while os.open(os.devnull, os.O_RDWR) <= forking.CHANNEL:
        pass


def _raise_file_limit() -> tuple[int, int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft, hard


def _say_ready() -> None:
    """On standard output, once it listens; from then on that is the log, too."""
    os.write(1, b"ready\n")
    os.dup2(2, 1)


if __name__ == "__main__":
    sys.exit(main())
