"""The transactions of the engine: events looked at, each once, and windows that have ended.

An event's row is its own queue: who stores it marks it pending when there are automations, and the transaction that counts it takes the
mark away. So an event counts when, and only when, what it led to is stored. On PostgreSQL one transaction of all replicas does this at a
time, since the order of events matters; the others wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select, text, tuple_, update

from flowhand.wire.automations import EventTrigger
from flowhand_server.automations import windows
from flowhand_server.automations.acting import act
from flowhand_server.automations.covering import begins, expects, group_from, group_of, key_of
from flowhand_server.automations.firing import Firing, goes_through
from flowhand_server.automations.rulebook import Rule, Rulebook
from flowhand_server.automations.windows import Seen, Window
from flowhand_server.orchestration.state import moment
from flowhand_server.store import tables as t
from flowhand_server.store.events import form
from flowhand_server.store.reading import insert_once

BATCH: Final = 200
WINDOWS: Final = 500
AHEAD_US: Final = 300_000_000
"""How far ahead of the server's clock an event's may be; further ahead, it counts as of then."""
_event, _window = t.event.c, t.automation_window.c
_PENDING: Final = select(t.event).where(text("pending")).order_by(_event.cursor).limit(BATCH)
_TURN: Final = text("SELECT pg_advisory_xact_lock(hashtext('flowhand automations'))")


def take_turn(conn: Connection) -> None:
    """Waits until no other replica is at it. SQLite has one writer anyway."""
    if conn.dialect.name == "postgresql":
        conn.execute(_TURN)


def any_pending(conn: Connection) -> bool:
    """Whether there are events to look at."""
    return conn.execute(select(_event.cursor).where(text("pending")).limit(1)).first() is not None


def next_end(conn: Connection) -> int | None:
    """When the first window ends whose end has to be looked at (microseconds)."""
    return conn.execute(select(func.min(_window.fires_at)).where(_window.fires_at.is_not(None))).scalar()


def evaluate(conn: Connection, rulebook: Rulebook, now: int) -> int:
    """Looks at the next events, in the order they were stored; how many. Called until it says 0."""
    take_turn(conn)
    rows = conn.execute(_PENDING).mappings().all()
    if not rows:
        return 0
    rulebook.refresh(conn)
    for row in rows:
        event = form(row)
        for rule, trigger in rulebook.concerned(event):
            _observe(conn, rule, trigger, event, now)
    conn.execute(update(t.event).where(_event.cursor.in_([row["cursor"] for row in rows])).values(pending=False))
    return len(rows)


def _observe(conn: Connection, rule: Rule, trigger: EventTrigger, event: Mapping[str, Any], now: int) -> None:
    if not _stays(conn, rule):
        return
    group = group_of(trigger, event)
    at = _counted_at(event, now)
    name = event["event"]
    if _counts_nothing(trigger):
        _fire(conn, Firing(rule, at, event, group), now)
        return
    before = _read(conn, rule, key_of(group))
    seen = windows.observe(trigger, before, at, begins=begins(trigger, name), expected=expects(trigger, name))
    _keep(conn, rule, trigger, key_of(group), before, seen.window, event)
    if seen.fired_at is not None:
        _fire(conn, Firing(rule, seen.fired_at, event, group), now)


def _stays(conn: Connection, rule: Rule) -> bool:
    """Whether the automation has not been removed since the rulebook was read. It then stays until this transaction ends."""
    there = select(t.automation.c.id).where(t.automation.c.id == rule.automation_id).with_for_update(read=True, key_share=True)
    return conn.execute(there).first() is not None


def _counted_at(event: Mapping[str, Any], now: int) -> int:
    """When it happened, if that can be believed: one from the future would move the windows there, and silence the trigger until then."""
    occurred, received = (moment(event[name]) or now for name in ("occurred", "received"))
    return min(occurred, received + AHEAD_US)


def _counts_nothing(trigger: EventTrigger) -> bool:
    """The usual trigger: every event fires it."""
    return trigger.posture == "Reactive" and trigger.threshold <= 1 and not trigger.within and not trigger.after


def _fire(conn: Connection, firing: Firing, now: int) -> None:
    if goes_through(conn, firing):
        act(conn, firing, now)


def _read(conn: Connection, rule: Rule, key: str) -> Window | None:
    row = conn.execute(select(_window.begins, _window.ends, _window.count).where(_is(rule, key))).first()
    return Window(*row) if row is not None else None


def _is(rule: Rule, key: str) -> Any:
    return (_window.automation_id == rule.automation_id) & (_window.trigger_id == rule.trigger.id) & (_window.key == key)


def _keep(
    conn: Connection,
    rule: Rule,
    trigger: EventTrigger,
    key: str,
    before: Window | None,
    after: Window | None,
    event: Mapping[str, Any] | None,
) -> None:
    if after is None:
        if before is not None:
            conn.execute(delete(t.automation_window).where(_is(rule, key)))
        return
    values: dict[str, Any] = {
        "begins": after.begins,
        "ends": after.ends,
        "count": after.count,
        "fires_at": after.ends if trigger.posture == "Proactive" else None,
    }
    if event is not None:
        values["last_event"] = event
    if before is None:
        row = {"automation_id": rule.automation_id, "trigger_id": rule.trigger.id, "key": key, **values}
        insert_once(conn, t.automation_window, row)
    elif after != before:
        conn.execute(update(t.automation_window).where(_is(rule, key)).values(**values))


# --- time ------------------------------------------------------------------------------------------------------------------------------


def open_windows(conn: Connection, rulebook: Rulebook, now: int) -> int:
    """Opens the windows that are open without any event, of automations that are new; how many."""
    rulebook.refresh(conn)
    wanted = list(rulebook.always_open())
    if not wanted:
        return 0
    take_turn(conn)
    there = {tuple(row) for row in conn.execute(select(_window.automation_id, _window.trigger_id))}
    missing = [(rule, trigger) for rule, trigger in wanted if (rule.automation_id, trigger.id) not in there]
    for rule, trigger in missing:
        _keep(conn, rule, trigger, key_of({}), None, windows.first(trigger, now), None)
    return len(missing)


def end_windows(conn: Connection, rulebook: Rulebook, now: int) -> int:
    """Judges the windows that have ended, unless events that belong to them are yet to be looked at; how many. Called until it says 0."""
    take_turn(conn)
    ended = select(t.automation_window).where(_window.fires_at <= now).order_by(_window.fires_at).limit(WINDOWS)
    rows = conn.execute(ended).mappings().all()
    if not rows or _any_pending_before(conn, rows[-1]["ends"]):
        return 0
    rulebook.refresh(conn)
    for row in rows:
        _judge(conn, rulebook, row, now)
    return len(rows)


def _any_pending_before(conn: Connection, before: int) -> bool:
    earlier = (_event.occurred < before) | (_event.received < before - AHEAD_US)
    waiting = select(_event.cursor).where(text("pending"), earlier).limit(1)
    return conn.execute(waiting).first() is not None


def _judge(conn: Connection, rulebook: Rulebook, row: Mapping[Any, Any], now: int) -> None:
    rule = rulebook.find(row["automation_id"], row["trigger_id"])
    if rule is None or not isinstance(rule.trigger, EventTrigger):
        mine = (_window.automation_id == row["automation_id"]) & (_window.trigger_id == row["trigger_id"]) & (_window.key == row["key"])
        conn.execute(delete(t.automation_window).where(mine))  # of an automation that was changed meanwhile
        return
    before = Window(row["begins"], row["ends"], row["count"])
    seen: Seen = windows.elapse(rule.trigger, before, now)
    _keep(conn, rule, rule.trigger, row["key"], before, seen.window, None)
    if seen.fired_at is not None:
        _fire(conn, Firing(rule, seen.fired_at, row["last_event"], group_from(rule.trigger, row["key"])), now)


# --- what is old -----------------------------------------------------------------------------------------------------------------------


def trim_counts(conn: Connection, before: int) -> int:
    """Forgets some windows that ended before a time, and chains that nobody has added to since; how many. Called until it says 0.

    Windows whose end has to be judged stay, and so do those without an end, which begin and end at once.
    """
    ended = (_window.fires_at.is_(None), _window.ends > _window.begins, _window.ends < before)
    old = select(_window.automation_id, _window.trigger_id, _window.key).where(*ended).limit(WINDOWS)
    place = tuple_(_window.automation_id, _window.trigger_id, _window.key)
    gone = conn.execute(delete(t.automation_window).where(place.in_(old))).rowcount
    chains = conn.execute(delete(t.automation_chain).where(t.automation_chain.c.since < before)).rowcount
    return gone + chains
