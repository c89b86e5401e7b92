"""The history of the dispatcher's tables, for Alembic."""
