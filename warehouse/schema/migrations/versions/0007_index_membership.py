"""core.index_membership: dated members of the followed indexes."""

from warehouse.schema.migrations import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
