"""The day of the members behind each wall and each shock."""

from warehouse.schema.migrations import run_sql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
