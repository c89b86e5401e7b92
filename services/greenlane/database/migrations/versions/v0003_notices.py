"""Notices that an endpoint keeps failing."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.execute("""CREATE TABLE notice (
        endpoint_id text NOT NULL REFERENCES endpoint, failing_since timestamptz NOT NULL, hours smallint NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (endpoint_id, failing_since, hours))""")
    op.execute("COMMENT ON COLUMN notice.hours IS 'of failure without a break'")


def downgrade() -> None:
    """Drop the table with everything in it."""
    op.execute("DROP TABLE notice")
