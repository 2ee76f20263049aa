"""derived.rate_shock: interest if short rates moved, by index, sector, quarter-end and shock."""

from warehouse.schema.migrations import run_sql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
