"""What filters over very many flow runs need: tags by tag, and indexes by name of state, by next time, by name."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"

_TAGS: Final = {
    "sqlite": "INSERT OR IGNORE INTO flow_run_tag (tag, flow_run_id) SELECT value, flow_run.id FROM flow_run, json_each(flow_run.tags)",
    "postgresql": "INSERT INTO flow_run_tag (tag, flow_run_id) SELECT value, flow_run.id FROM flow_run,"
    " jsonb_array_elements_text(flow_run.tags) ON CONFLICT DO NOTHING",
}


def upgrade() -> None:
    """Adds them, and writes down the tags of the runs that there are."""
    op.create_table(
        "flow_run_tag",
        sa.Column("tag", sa.Text, nullable=False),
        sa.Column("flow_run_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("tag", "flow_run_id", name="pk_flow_run_tag"),
        sa.ForeignKeyConstraint(["flow_run_id"], ["flow_run.id"], ondelete="CASCADE", name="fk_flow_run_tag_flow_run_id"),
        sqlite_with_rowid=False,
    )
    op.execute(_TAGS[op.get_bind().dialect.name])
    op.create_index("ix_flow_run_tag_flow_run_id", "flow_run_tag", ["flow_run_id"])
    op.create_index("ix_flow_run_state_name", "flow_run", ["state_name", "expected_start_time"])
    timed = sa.text("next_scheduled_start_time IS NOT NULL")
    op.create_index("ix_flow_run_next", "flow_run", ["next_scheduled_start_time", "id"], sqlite_where=timed, postgresql_where=timed)
    op.drop_index("ix_flow_run_name", "flow_run")
    op.create_index("ix_flow_run_name", "flow_run", ["name", "id"])


def downgrade() -> None:
    """Takes them away. The runs keep their tags."""
    op.drop_index("ix_flow_run_name", "flow_run")
    op.create_index("ix_flow_run_name", "flow_run", ["name"])
    op.drop_index("ix_flow_run_next", "flow_run")
    op.drop_index("ix_flow_run_state_name", "flow_run")
    op.drop_table("flow_run_tag")
