"""derived.rotation_metrics: small against large, one row per pair and session."""

from warehouse.schema.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
