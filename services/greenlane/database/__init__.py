"""PostgreSQL: connections, migrations, and what the doctor asks of it."""
