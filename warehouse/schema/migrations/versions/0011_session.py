"""core.session: when the exchange is open."""

from warehouse.schema.migrations import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
