"""The steps from one schema to the next: an Alembic revision each, a small Python file.

A change of a table is two edits: its file in `tables/`, from which a new database is made, and a
step here, by which those that exist follow. With the first step, `0001_baseline.py` must no longer
read `tables/`: put the output of `rotation schema --tables` from before the change beside it, as
`0001_baseline.sql`, and run that. A test compares a database of all steps with one of the tables.
"""

import psycopg
import sqlalchemy
from alembic import op


def run_sql(text: str) -> None:
    """Execute SQL as it is: no parameters, no escaping."""
    execute_as_is(op.get_bind(), text)


def execute_as_is(connection: sqlalchemy.Connection, text: str) -> None:
    """Execute SQL in a SQLAlchemy connection's transaction, percent signs included."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    driver.execute(text.encode())
