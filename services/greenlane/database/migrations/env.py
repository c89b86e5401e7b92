"""Alembic's entry: runs the migrations on the connection it is given."""

from alembic import context

from greenlane.database.connection import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
