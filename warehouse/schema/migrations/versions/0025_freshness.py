"""What freshness is judged by: the clock of each series, and the instant that counted as now."""

from warehouse.schema.migrations import run_sql

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
