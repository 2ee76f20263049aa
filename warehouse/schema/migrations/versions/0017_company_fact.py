"""core.company_fact: facts as filed, one row per fact and filing."""

from warehouse.schema.migrations import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
