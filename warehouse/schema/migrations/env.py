"""Alembic's entry: applies the revisions over the connection of `warehouse.schema.migrate`."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema="audit",
    version_table="migration",
    # one transaction for all: a half-migrated warehouse can't be left behind
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
