"""derived.debt_maturity: maturity ladders as filed, one row per bucket."""

from warehouse.schema.migrations import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
