"""How far each partition was accepted, in the database that has what was accepted; and the tests of an endpoint."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COMMENTS = {
    "topic_id": "a topic made anew under the same name has another",
    "next_offset": "everything before it was accepted",
    "before": "next_offset before its last move",
}


def upgrade() -> None:
    """Add the table and an index; until a partition's first batch Kafka's commit says where it begins."""
    op.execute(
        """CREATE TABLE intake_position (
            topic text NOT NULL,
            partition integer NOT NULL,
            topic_id text NOT NULL,
            next_offset bigint NOT NULL,
            before bigint DEFAULT 0 NOT NULL,
            PRIMARY KEY (topic, partition))"""
    )
    op.execute("CREATE INDEX delivery_tests ON delivery (endpoint_id, created_at) WHERE mode = 'unordered'")
    for column, comment in _COMMENTS.items():
        op.execute(f"COMMENT ON COLUMN intake_position.{column} IS '{comment}'")


def downgrade() -> None:
    """Drop them; Kafka's commits say where reading begins."""
    op.execute("DROP INDEX delivery_tests")
    op.execute("DROP TABLE intake_position")
