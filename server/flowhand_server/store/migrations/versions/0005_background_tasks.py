"""Background tasks that wait for somebody to execute them, and who offers to."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0005"
down_revision: Final = "0004"


def upgrade() -> None:
    """Adds them. Task runs that were deferred before stay as they are: nobody could take them."""
    op.create_table(
        "background_task",
        sa.Column("task_run_id", sa.String(36), nullable=False),
        sa.Column("task_key", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("offered_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("task_run_id", name="pk_background_task"),
        sa.ForeignKeyConstraint(["task_run_id"], ["task_run.id"], ondelete="CASCADE", name="fk_background_task_task_run_id"),
    )
    op.create_index("ix_background_task_task_key", "background_task", ["task_key", "created"])
    op.create_table(
        "task_worker",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("identifier", sa.Text, nullable=False),
        sa.Column("task_keys", sa.Text().with_variant(JSONB(), "postgresql"), server_default="[]", nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_task_worker"),
    )


def downgrade() -> None:
    """Takes them away; what waits is executed by nobody any more."""
    op.drop_table("task_worker")
    op.drop_index("ix_background_task_task_key", "background_task")
    op.drop_table("background_task")
