"""Alembic's entry: runs the migrations on the connection it is given."""

from alembic import context

from greenlane.webhook_dispatcher.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
