"""An index on audit.fetch: which request was the last to cover a session."""

from warehouse.migrations import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
