"""What an API key may be used for: keys that exist go on managing webhooks and nothing else."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE api_key ADD COLUMN scopes text[] DEFAULT '{webhooks:manage}' NOT NULL")
    op.execute("COMMENT ON COLUMN api_key.scopes IS 'what the key may be used for'")


def downgrade() -> None:
    """Drop it, and the keys that managed no webhooks: else they would."""
    op.execute("DELETE FROM api_key WHERE NOT 'webhooks:manage' = ANY (scopes)")
    op.execute("ALTER TABLE api_key DROP COLUMN scopes")
