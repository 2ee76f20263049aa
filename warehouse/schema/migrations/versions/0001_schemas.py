"""The schemas and what each role may do in them."""

from warehouse.schema.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
