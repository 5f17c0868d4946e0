"""An index for pieces of names of flow runs, which a server fills with those that there are, beside its other work; and one of what is to
come, by flow.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"

_Number: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Adds them, with every name in line."""
    timed = sa.text("next_scheduled_start_time IS NOT NULL")
    columns = ["flow_id", "next_scheduled_start_time", "id"]
    op.create_index("ix_flow_run_flow_next", "flow_run", columns, sqlite_where=timed, postgresql_where=timed)
    op.create_table(
        "name_tail",
        sa.Column("number", _Number, nullable=False),
        sa.Column("flow_run_id", sa.String(36), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_name_tail"),
    )
    op.create_table(
        "name_segment",
        sa.Column("number", _Number, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_name_segment"),
    )
    op.create_table(
        "name_page",
        sa.Column("number", _Number, nullable=False, autoincrement=False),
        sa.Column("runs", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_name_page"),
    )
    op.create_table(
        "name_piece",
        sa.Column("segment", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("piece", sa.Text, nullable=False),
        sa.Column("places", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("segment", "piece", name="pk_name_piece"),
        sqlite_with_rowid=False,
    )
    # in the order in which they were made, but sorted: along the index of ids SQLite would fetch row after row
    op.execute("INSERT INTO name_tail (flow_run_id, name) SELECT id, name FROM flow_run ORDER BY id || ''")
    if op.get_bind().dialect.name == "postgresql":  # servers of the older version may go on for a while, see `name_again`
        op.execute("INSERT INTO meta (key, value) SELECT 'names_again', (extract(epoch FROM now()) * 1000000)::bigint::text")


def downgrade() -> None:
    """Takes them away. Names are looked for one by one again."""
    op.drop_index("ix_flow_run_flow_next", "flow_run")
    op.execute("DELETE FROM meta WHERE key = 'names_again'")
    for table in ("name_piece", "name_page", "name_segment", "name_tail"):
        op.drop_table(table)
