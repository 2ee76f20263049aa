"""All DDL. One numbered revision a change: a small Python file for Alembic, SQL beside it."""

from pathlib import Path

from alembic import op


def run_sql(revision_file: str) -> None:
    """Executes the SQL file that stands beside a revision, as it is: no parameters, no escaping."""
    sql = Path(revision_file).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(sql)
