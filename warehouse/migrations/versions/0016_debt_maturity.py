"""derived.debt_maturity: maturity ladders as filed, one row per bucket."""

from warehouse.migrations import run_sql

revision = "0016"
down_revision = "0022"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
