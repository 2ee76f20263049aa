"""derived.zombie_status: one row per company, quarter-end and definition."""

from warehouse.migrations import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
