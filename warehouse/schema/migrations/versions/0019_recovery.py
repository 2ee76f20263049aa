"""audit.run and audit.batch: what a cancelled run ends as, and which commits took place."""

from warehouse.schema.migrations import run_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
