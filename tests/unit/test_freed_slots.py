"""Which slots became free since: nothing is missed, and nothing is kept for good."""

from __future__ import annotations

import sys

from flowhand_server.dispatch.frees import KEPT, Frees


def test_it_is_told_apart_of_what_a_slot_became_free() -> None:
    frees = Frees()
    mark = frees.count
    frees.note(["pool", "limit"])
    assert frees.since(mark, ["other", "limit"])
    assert not frees.since(mark, ["other"])
    assert not frees.since(frees.count, ["pool", "limit"])


def test_what_is_forgotten_may_have_become_free() -> None:
    """A server that has seen ever new deployments keeps no more of them, and misses none."""
    frees = Frees()
    frees.note(["first"])
    mark = frees.count
    frees.note(["second"])
    for number in range(2 * KEPT):
        frees.note([f"deployment-{number}"])
    assert frees.since(mark, ["second"])
    assert sys.getsizeof(frees._last) < 100 * KEPT  # pyright: ignore[reportPrivateUsage] - what it keeps is the point
    mark = frees.count
    frees.note(["third"])
    assert frees.since(mark, ["third"])
    assert not frees.since(mark, ["second"])
