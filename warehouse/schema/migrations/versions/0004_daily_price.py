"""core.daily_price: bars as traded."""

from warehouse.schema.migrations import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
