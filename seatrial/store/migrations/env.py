"""What Alembic runs for each command: our connection, our transaction."""

from alembic import context

from seatrial.store.indexes import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
