"""audit.filing_due and audit.pace: what is to be asked of the SEC, and how fast."""

from warehouse.migrations import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
