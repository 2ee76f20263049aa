"""derived.sector_breadth: who takes part, one row per index, sector and session."""

from warehouse.schema.migrations import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
