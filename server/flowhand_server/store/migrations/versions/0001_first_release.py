"""The tables of the first release.

While that is not out they are the tables as they are; with the next revision this one is written out and never changed again.
"""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import insert

from flowhand.ids import new_id
from flowhand_server.store.tables import meta, metadata

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Makes every table."""
    conn = op.get_bind()
    metadata.create_all(conn)
    conn.execute(insert(meta).values(key="server_id", value=new_id()))


def downgrade() -> None:
    """Drops every table."""
    metadata.drop_all(op.get_bind())
