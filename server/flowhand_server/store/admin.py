"""Facts about the whole server that are kept in the database."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, insert, select

from flowhand_server.store import tables as t
from flowhand_server.store.errors import NotFound

_STORAGE: Final = "default_result_storage_block_id"


def ping(conn: Connection) -> None:
    """Asks the database anything at all."""
    conn.execute(select(1))


def read_default_storage(conn: Connection) -> str | None:
    """The id of the block document that results are stored with, if one was set."""
    return conn.execute(select(t.meta.c.value).where(t.meta.c.key == _STORAGE)).scalar()


def set_default_storage(conn: Connection, block_document_id: str) -> None:
    """Sets it. NotFound without such a document."""
    known = conn.execute(select(t.block_document.c.id).where(t.block_document.c.id == block_document_id)).first()
    if known is None:
        raise NotFound("Block document not found")
    clear_default_storage(conn)
    conn.execute(insert(t.meta).values(key=_STORAGE, value=block_document_id))


def clear_default_storage(conn: Connection) -> None:
    """Forgets it."""
    conn.execute(delete(t.meta).where(t.meta.c.key == _STORAGE))
