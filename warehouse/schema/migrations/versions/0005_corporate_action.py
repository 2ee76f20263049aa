"""core.corporate_action and derived.adjustment_factor."""

from warehouse.schema.migrations import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
