"""The catalogue of the current schema, read once."""

import pytest

from warehouse.connect.connections import adbc_connection
from warehouse.export.catalogue import CatalogueTable, read_catalogue
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def catalogue(module_warehouse: Settings) -> list[CatalogueTable]:
    with adbc_connection(module_warehouse, "reader") as connection:
        return read_catalogue(connection)
