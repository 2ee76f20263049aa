"""audit.run and audit.batch: what a cancelled run ends as, and which commits took place."""

from warehouse.migrations import run_sql

revision = "0022"
down_revision = "0015"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
