"""history.ticker: what the ticker map said before a rename or a reused symbol changed it."""

from warehouse.schema.migrations import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Applies the SQL file beside this one."""
    run_sql(__file__)
