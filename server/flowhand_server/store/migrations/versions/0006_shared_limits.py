"""The deployments of a global limit, found without a look at all others: claims count what they hold together."""

from __future__ import annotations

from typing import Final

from alembic import op

revision: Final = "0006"
down_revision: Final = "0005"
INDEX: Final = "ix_deployment_global_concurrency_limit_id"


def upgrade() -> None:
    """Adds the index."""
    op.create_index(INDEX, "deployment", ["global_concurrency_limit_id"])


def downgrade() -> None:
    """Takes it away."""
    op.drop_index(INDEX, "deployment")
