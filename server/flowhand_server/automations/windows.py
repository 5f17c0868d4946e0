"""Windows: what a trigger has counted, and when that makes it fire. Pure. Times are microseconds.

A reactive trigger fires as soon as enough has been counted, and then not again before its window has ended. A proactive one fires when
its window ends with too little in it. With `after`, a window is opened by such an event and closed by the firing; without, one follows the
other. Without `within`, a window has no end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from flowhand.wire.automations import EventTrigger


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time and what was counted in it."""

    begins: int
    ends: int
    count: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """The window that is kept (None: there is none), and when the trigger fired, if it did."""

    window: Window | None
    fired_at: int | None = None


def observe(trigger: EventTrigger, window: Window | None, at: int, *, begins: bool, expected: bool) -> Seen:
    """An event of the trigger's happened at `at`. `begins`: it is one of `after`; `expected`: it is one that counts."""
    within = _within(trigger)
    if begins and (window is None or _over(trigger, window, at)):
        # one that is both opens the window and is then not counted in it: the count is of what comes after
        window = Window(at, at + within, -1 if expected else 0)
    if not expected:
        return Seen(window)
    if window is None:
        if trigger.after:
            return Seen(None)
        window = Window(at - within, at + within)  # what happened a little earlier may yet arrive
    return _count(trigger, window, at)


def _count(trigger: EventTrigger, window: Window, at: int) -> Seen:
    if at < window.begins:
        return Seen(window)
    if _over(trigger, window, at):
        return _count_in_next(trigger, window, at)
    window = replace(window, count=window.count + 1)
    enough = window.count >= trigger.threshold
    if trigger.posture == "Reactive":
        return Seen(_following(trigger, window, at), at) if enough else Seen(window)
    return Seen(None if enough and trigger.after else window)


def _count_in_next(trigger: EventTrigger, window: Window, at: int) -> Seen:
    """The window had ended before the event: a proactive trigger is judged by what was in it, and the event belongs to the next."""
    ended = elapse(trigger, window, at) if trigger.posture == "Proactive" else Seen(_following(trigger, window, at))
    if ended.window is None:
        return ended
    counted = _count(trigger, ended.window, at)
    return replace(counted, fired_at=counted.fired_at or ended.fired_at)


def elapse(trigger: EventTrigger, window: Window, now: int) -> Seen:
    """Time has passed: a proactive trigger's window may have ended with too little in it."""
    if now < window.ends:
        return Seen(window)
    return Seen(_following(trigger, window, now), window.ends if window.count < trigger.threshold else None)


def first(trigger: EventTrigger, now: int) -> Window:
    """The window that a proactive trigger begins with."""
    return Window(now, now + _within(trigger))


def _following(trigger: EventTrigger, window: Window, at: int) -> Window | None:
    if trigger.after or not trigger.within:
        return None
    begins = max(window.ends, at)
    return Window(begins, begins + _within(trigger))


def _over(trigger: EventTrigger, window: Window, at: int) -> bool:
    return bool(trigger.within) and at >= window.ends


def _within(trigger: EventTrigger) -> int:
    return round(trigger.within * 1_000_000)
