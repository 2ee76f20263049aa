"""core.company_ticker: which company a ticker stands for."""

from warehouse.schema.migrations import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
