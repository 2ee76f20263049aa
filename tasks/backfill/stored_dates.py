"""Read the dates of stored rows."""

from collections.abc import Sequence
from datetime import date

from psycopg import Connection
from psycopg.sql import SQL, Identifier


def read_stored_dates(
    connection: Connection, table: str, key: str, date_column: str, values: Sequence[str]
) -> dict[str, list[date]]:
    """Return the dates with rows by value of a key column, in order.

    Args:
        connection: To the warehouse.
        table: A table of the schema `core`.
        key: The key column.
        date_column: The date column.
        values: Values of the key column; one without rows is missing.
    """
    query = SQL(
        "select {0}, {1} from core.{2} where {0} = any (%s) group by {0}, {1} order by 1, 2"
    )
    names = (Identifier(name) for name in (key, date_column, table))
    found: dict[str, list[date]] = {}
    for value, day in connection.execute(query.format(*names), ([*values],)):
        found.setdefault(value, []).append(day)
    return found
