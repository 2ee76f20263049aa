"""derived.refinancing_wall: what falls due when, by index, sector, quarter-end and year."""

from warehouse.schema.migrations import run_sql

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
