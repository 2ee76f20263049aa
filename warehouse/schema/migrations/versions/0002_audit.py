"""audit: runs, fetches, loads, quarantine, validation results and changes."""

from warehouse.schema.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
