"""Keys of the API."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Adds their table."""
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("public", sa.String(16), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.Text().with_variant(JSONB(), "postgresql"), server_default="[]", nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("last_used", sa.BigInteger),
        sa.Column("revoked", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("public", name="uq_api_key_public"),
    )
    unrevoked = sa.text("revoked IS NULL")
    op.create_index("uq_api_key_name", "api_key", ["name"], unique=True, sqlite_where=unrevoked, postgresql_where=unrevoked)


def downgrade() -> None:
    """Drops it, and with it every key."""
    op.drop_table("api_key")
