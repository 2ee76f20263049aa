"""The schema as first released: all of `tables/`."""

from warehouse.schema.migrations import run_sql
from warehouse.schema.tables import tables_sql

revision = "20261130"
down_revision = None


def upgrade() -> None:
    """Create every schema and table."""
    run_sql(tables_sql())
