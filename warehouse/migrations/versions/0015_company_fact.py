"""core.company_fact: facts as filed, one row per fact and filing."""

from warehouse.migrations import run_sql

revision = "0015"
down_revision = "0014.2"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
