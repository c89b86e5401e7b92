"""What is due, and how much waits, found by shard: neither grows with the number of endpoints or of rows beside it."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UP = (
    """CREATE INDEX delivery_waiting ON delivery (shard, due_at) INCLUDE (endpoint_id)
        WHERE state = 'pending'""",
    """CREATE INDEX delivery_stopped ON delivery (shard, state)
        WHERE state IN ('held', 'quarantined')""",
    """ALTER TABLE delivery SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,
                                 autovacuum_analyze_scale_factor = 0.02)""",
)
"""The rows are kept for ever while the waiting ones come and go: with the usual fifth of the table, vacuum would come
when the indexes of what waits hold many times more dead entries than living ones."""

_DOWN = (
    """ALTER TABLE delivery RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor,
                                   autovacuum_analyze_scale_factor)""",
    "DROP INDEX delivery_stopped",
    "DROP INDEX delivery_waiting",
)


def upgrade() -> None:
    """Add the indexes; vacuum the table earlier."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them; vacuum as usual."""
    for statement in _DOWN:
        op.execute(statement)
