"""derived.index_concentration: weights of few companies, one row per index and snapshot."""

from warehouse.schema.migrations import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
