"""audit.run.clock_at: the instant that counted as now."""

from warehouse.schema.migrations import run_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
