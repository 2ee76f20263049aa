"""An index on audit.fetch: which request was the last to cover a session."""

from warehouse.schema.migrations import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
