"""Actions that call somebody: taken by one replica for a while, made into a request, called outside of any transaction, concluded.

A server that dies in between leaves the action taken; when the time is up it is done again. So such an action is done at least once, and a
second try carries the same Idempotency-Key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import Connection, select, update

from flowhand_server.automations.addresses import AddressRefused
from flowhand_server.automations.calling import CallFailed, OutsideCall, send
from flowhand_server.automations.performing import ActionFailed, Details, automation_of, conclude, words
from flowhand_server.automations.subject import Subject
from flowhand_server.store import tables as t
from flowhand_server.store.block_documents import read_document, with_id
from flowhand_server.store.postgresql_errors import in_trouble
from flowhand_server.store.store import Store
from flowhand_server.vault import Vault

TAKEN_US: Final = 60_000_000
"""How long a replica has; the call itself takes half of that at most."""
_action = t.automation_action.c
_FREE: Final = _action.outside.is_(True)


def any_waits(conn: Connection, now: int) -> bool:
    """Whether there is a call to make."""
    return conn.execute(select(_action.id).where(_FREE, _action.taken_until <= now).limit(1)).first() is not None


def take(conn: Connection, vault: Vault, now: int) -> tuple[Mapping[str, Any], OutsideCall | None] | None:
    """The next call, which is now this replica's; None for the request when it could not be made, which is then told of already."""
    free = select(t.automation_action).where(_FREE, _action.taken_until <= now).order_by(_action.id).limit(1)
    row = conn.execute(free.with_for_update(of=t.automation_action, skip_locked=True)).mappings().first()
    if row is None:
        return None
    conn.execute(update(t.automation_action).where(_action.id == row["id"]).values(taken_until=now + TAKEN_US))
    automation = automation_of(conn, row["automation_id"])
    savepoint = conn.begin_nested()
    try:
        with savepoint:
            return dict(row), _request(conn, vault, row, Subject(conn, automation, row["firing"], now))
    except Exception as error:  # what users wrote meets what is stored; whatever comes of it, the next call is made
        if in_trouble(error):
            raise  # the transaction is tried again
        conclude(conn, row, automation, now, reason=words(error))
        return dict(row), None


def finish(conn: Connection, row: Mapping[str, Any], now: int, details: Details | None, reason: str | None) -> None:
    """Tells what became of a call, unless somebody else has done so."""
    there = select(_action.id).where(_action.id == row["id"]).with_for_update()
    if conn.execute(there).first() is not None:
        conclude(conn, row, automation_of(conn, row["automation_id"]), now, details=details, reason=reason)


async def call_next(store: Store, vault: Vault, now: Callable[[], int]) -> bool:
    """Makes the next call that waits; whether there was one."""
    taken = await store.write(take, vault, now())
    if taken is None:
        return False
    row, request = taken
    if request is None:
        return True
    details: Details | None = None
    reason: str | None = None
    try:
        details = {"status_code": await send(request)}
    except (CallFailed, AddressRefused) as error:
        reason = str(error)
    await store.write(finish, row, now(), details, reason)
    return True


def _request(conn: Connection, vault: Vault, row: Mapping[Any, Any], subject: Subject) -> OutsideCall:
    action: Mapping[str, Any] = row["action"]
    document = read_document(conn, vault, with_id(action["block_document_id"]), secrets=True)
    slug, data = document["block_type"]["slug"], document["data"]
    shape = _SHAPES.get(slug)
    if shape is None:
        raise ActionFailed(f"a block of type {slug!r} cannot be called; {', '.join(_SHAPES)} can")
    if not isinstance(data.get("url"), str):
        raise ActionFailed(f"block {document['name']!r} has no URL")
    return shape(data, action, subject, row["id"])


def _webhook(data: Mapping[str, Any], action: Mapping[str, Any], subject: Subject, key: str) -> OutsideCall:
    """Any address: the payload as JSON when it is some, else as a text; of a notification, subject and body."""
    if action["type"] == "send-notification":
        content = orjson.dumps({"subject": _subject(action, subject), "body": subject.fill(action["body"])})
    else:
        content = subject.fill(action.get("payload") or "").encode()
    headers = {str(name): str(value) for name, value in (data.get("headers") or {}).items()}
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json" if _is_json(content) else "text/plain; charset=utf-8"
    return OutsideCall(
        method=str(data.get("method") or "POST"),
        url=data["url"],
        headers=headers,
        content=content or None,
        verify=bool(data.get("verify", True)),
        private=bool(data.get("allow_private_urls", True)),
        key=key,
    )


def _chat(data: Mapping[str, Any], action: Mapping[str, Any], subject: Subject, key: str) -> OutsideCall:
    """An incoming webhook as Slack has them, and others understand: a text."""
    if action["type"] != "send-notification":
        raise ActionFailed("this block sends notifications; call a webhook block instead")
    title, body = _subject(action, subject), subject.fill(action["body"])
    content = orjson.dumps({"text": f"*{title}*\n{body}" if title else body})
    private = bool(data.get("allow_private_urls", True))
    return OutsideCall("POST", data["url"], {"Content-Type": "application/json"}, content, private=private, key=key)


def _subject(action: Mapping[str, Any], subject: Subject) -> str:
    return subject.fill(action["subject"]) if action.get("subject") else ""


def _is_json(content: bytes) -> bool:
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        return False
    return True


_SHAPES: Final[dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], Subject, str], OutsideCall]]] = {
    "webhook": _webhook,
    "slack-webhook": _chat,
    "mattermost-webhook": _chat,
    "ms-teams-webhook": _chat,
}
"""By the type of the block: how it is called."""
