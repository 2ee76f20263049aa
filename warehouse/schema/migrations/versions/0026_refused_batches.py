"""What the fetch ledger says of a batch that a rule refused."""

from warehouse.schema.migrations import run_sql

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
