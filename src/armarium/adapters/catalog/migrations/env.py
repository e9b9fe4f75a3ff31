"""Run by Alembic: applies steps over the connection that `schema.py` brings along, or writes them for PostgreSQL."""

from alembic import context

if context.is_offline_mode():
    context.configure(url="postgresql+asyncpg://", transactional_ddl=False, literal_binds=True)
else:
    context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
