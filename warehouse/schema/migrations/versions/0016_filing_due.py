"""audit.pending_filing and audit.rate_limit: what is to be asked of the SEC, and how fast."""

from warehouse.schema.migrations import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
