"""What the automation engine counts with: which events it has not looked at, open windows, firings of parts, actions that wait, loops."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Adds them. Events that are there already count as looked at."""
    op.add_column("event", sa.Column("pending", sa.Boolean, server_default=sa.text("false"), nullable=False))
    pending = sa.text("pending")
    op.create_index("ix_event_pending", "event", ["cursor"], sqlite_where=pending, postgresql_where=pending)
    op.create_table(
        "automation_window",
        _automation(),
        sa.Column("trigger_id", sa.String(36), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("begins", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("fires_at", sa.BigInteger),
        _json("last_event"),
        sa.PrimaryKeyConstraint("automation_id", "trigger_id", "key", name="pk_automation_window"),
        _gone_with("automation_window"),
    )
    timed = sa.text("fires_at IS NOT NULL")
    op.create_index("ix_automation_window_fires_at", "automation_window", ["fires_at"], sqlite_where=timed, postgresql_where=timed)
    op.create_table(
        "automation_firing",
        _automation(),
        sa.Column("trigger_id", sa.String(36), nullable=False),
        sa.Column("part_id", sa.String(36), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        _json("event"),
        sa.PrimaryKeyConstraint("automation_id", "trigger_id", "part_id", name="pk_automation_firing"),
        _gone_with("automation_firing"),
    )
    op.create_table(
        "automation_action",
        sa.Column("id", sa.String(36), nullable=False),
        _automation(),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("outside", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("taken_until", sa.BigInteger, server_default="0", nullable=False),
        _json("action", default="{}"),
        _json("firing", default="{}"),
        sa.PrimaryKeyConstraint("id", name="pk_automation_action"),
        _gone_with("automation_action"),
    )
    op.create_table(
        "automation_chain",
        _automation(),
        sa.Column("root", sa.String(36), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("automation_id", "root", name="pk_automation_chain"),
        _gone_with("automation_chain"),
    )


def downgrade() -> None:
    """Drops them: what was counted and what waits to be done is forgotten."""
    for table in ("automation_chain", "automation_action", "automation_firing", "automation_window"):
        op.drop_table(table)
    op.drop_index("ix_event_pending", "event")
    op.drop_column("event", "pending")


def _automation() -> sa.Column[str]:
    return sa.Column("automation_id", sa.String(36), nullable=False)


def _gone_with(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_automation_id"
    return sa.ForeignKeyConstraint(["automation_id"], ["automation.id"], ondelete="CASCADE", name=name)


def _json(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text().with_variant(JSONB(), "postgresql"), server_default=default, nullable=default is None)
