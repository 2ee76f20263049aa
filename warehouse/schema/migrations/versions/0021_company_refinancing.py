"""derived.company_refinancing: debt, interest and coverage, one row per company and quarter-end."""

from warehouse.schema.migrations import run_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
