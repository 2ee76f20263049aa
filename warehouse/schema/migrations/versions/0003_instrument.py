"""core.instrument and core.ticker: what is traded, and under which symbol when."""

from warehouse.schema.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
