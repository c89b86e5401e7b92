"""What the management API needs: its keys, filters by seller, what a receiver granted, deliveries by age."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = (
    "ALTER TABLE endpoint ADD COLUMN sellers text[]",
    "COMMENT ON COLUMN endpoint.sellers IS 'only these sellers of its scope; null: all of them'",
    "ALTER TABLE endpoint ADD COLUMN origin_granted boolean NOT NULL DEFAULT false",
    "COMMENT ON COLUMN endpoint.origin_granted IS 'the receiver allowed our origin in the OPTIONS handshake'",
    "ALTER TABLE endpoint ADD COLUMN granted_rate integer",
    "COMMENT ON COLUMN endpoint.granted_rate IS 'messages per minute granted with the origin; null: no limit'",
    "CREATE INDEX delivery_by_age ON delivery (endpoint_id, created_at)",
    """CREATE TABLE api_key (
        key_id text PRIMARY KEY, marketplace text NOT NULL, seller_id text, label text NOT NULL, digest bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz)""",
    "COMMENT ON COLUMN api_key.digest IS 'SHA-256 of the key, which is itself kept by its owner alone'",
    "CREATE INDEX api_key_by_scope ON api_key (marketplace, seller_id)",
)

_DOWN = (
    "DROP TABLE api_key",
    "DROP INDEX delivery_by_age",
    "ALTER TABLE endpoint DROP COLUMN granted_rate, DROP COLUMN origin_granted, DROP COLUMN sellers",
)


def upgrade() -> None:
    """Add the columns, the index and the table of keys."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them with everything in them."""
    for statement in _DOWN:
        op.execute(statement)
