"""The tables of the first release, as they were: `released/0001.*.sql`. Never changed again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import op
from sqlalchemy import text

from flowhand.ids import new_id

revision: Final = "0001"
down_revision: Final = None
RELEASED: Final = Path(__file__).parent.parent / "released"


def upgrade() -> None:
    """Makes every table, and gives the database its id."""
    conn = op.get_bind()
    statements = (RELEASED / f"0001.{conn.dialect.name}.sql").read_text(encoding="utf-8").split(";\n")
    for statement in filter(str.strip, statements):
        conn.exec_driver_sql(statement)
    conn.execute(text("""INSERT INTO meta ("key", value) VALUES ('server_id', :id)"""), {"id": new_id()})


def downgrade() -> None:
    """There is nothing older to go back to."""
    raise NotImplementedError("schema 0001 is the first")
