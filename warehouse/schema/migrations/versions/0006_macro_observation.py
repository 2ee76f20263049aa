"""core.macro_observation: every vintage of every observation."""

from warehouse.schema.migrations import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
