"""core.company: who files with the SEC."""

from warehouse.schema.migrations import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
