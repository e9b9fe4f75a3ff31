"""Run by Alembic: applies steps over the connection that `schema.py` or `postgres_schema.py` brings along."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
