"""SQL of the inputs of claims and scenarios: any change reaches all of them."""

from collections.abc import Iterable
from zlib import crc32

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations import contracts
from expectations.contract import Contract
from warehouse.base_error import RotationError
from warehouse.connect import arrow
from warehouse.query_file import QueryFile

ANY_CHANGE_SQL = "select 'everything' as subject, date '0001-01-01' as first_date from change"


def inputs_of(contract: Contract) -> dict[str, str]:
    """Return the inputs of a table any change of which reaches all its rows."""
    known = contracts()
    core = (name for name in contract.upstream if known[name].schema == "core")
    return dict.fromkeys(core, ANY_CHANGE_SQL)


def checksum_queries(files: Iterable[QueryFile]) -> int:
    """Return a number that changes with any of the files, as the logic version."""
    return crc32("\n".join(f"{f.name} {dict(f.header)} {f.query}" for f in files).encode())


class QueryFileFailed(RotationError):
    """The query of a claim or condition failed; the message names its file."""


def run_query(connection: adbc.Connection, file: QueryFile) -> pl.DataFrame:
    """Return the rows of a claim's or condition's query.

    Raises:
        QueryFileFailed: The server refused the query.
    """
    try:
        return arrow.read(connection, file.query)
    except (adbc.DataError, adbc.ProgrammingError) as error:
        raise QueryFileFailed(f"The query of {file.name}.sql failed: {error}") from error
