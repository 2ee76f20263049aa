"""derived.zombie_status: one row per company, quarter-end and definition."""

from warehouse.schema.migrations import run_sql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
