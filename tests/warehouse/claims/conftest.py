"""A warehouse for the rows of a case, which are gone after it."""

from collections.abc import Callable, Iterator

import pytest
from psycopg import Connection

from tests.warehouse.claims.rows import write_rows
from tests.warehouse.claims.tables import Tables
from warehouse.connect.connections import connect
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def warehouse(module_warehouse: Settings) -> Settings:
    """An empty warehouse with one run."""
    with connect(module_warehouse, "owner") as connection:
        connection.execute("insert into audit.run (flow, process) values ('test', 'test:1')")
    return module_warehouse


@pytest.fixture
def write(warehouse: Settings) -> Iterator[Callable[[Tables], Connection]]:
    """Writes rows in a transaction that is rolled back."""
    with connect(warehouse, "owner") as connection:

        def write_tables(tables: Tables) -> Connection:
            for table, rows in tables.items():
                write_rows(connection, table, rows)
            return connection

        yield write_tables
        connection.rollback()
