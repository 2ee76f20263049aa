"""SQL of the inputs of claims and scenarios: any change reaches all of them."""

from collections.abc import Iterable
from zlib import crc32

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations import contracts
from expectations.contract import Contract
from tasks.derive.incremental.derived_table import BEGIN_READING, DerivationError
from warehouse.connect import arrow
from warehouse.query_file import QueryFile

ANY_CHANGE_SQL = "select 'everything' as subject, date '0001-01-01' as first_date from change"
# classes of SQLSTATE that speak of the query: cardinality, data, syntax or missing column
QUERY_ERRORS = ("21", "22", "42")


def inputs_of(contract: Contract) -> dict[str, str]:
    """Return the inputs of a table any change of which reaches all its rows."""
    known = contracts()
    core = (name for name in contract.upstream if known[name].schema == "core")
    return dict.fromkeys(core, ANY_CHANGE_SQL)


def checksum_queries(files: Iterable[QueryFile]) -> int:
    """Return a number that changes with any of the files, as the logic version."""
    return crc32("\n".join(f"{f.name} {dict(f.header)} {f.query}" for f in files).encode())


class QueryFileFailed(DerivationError):
    """The query of a claim or condition failed; the message names its file."""


def run_queries(
    connection: adbc.Connection, files: Iterable[QueryFile], schema: pl.Schema
) -> tuple[list[tuple[QueryFile, pl.DataFrame]], dict[str, str]]:
    """Run the queries of claims or conditions, each on its own.

    Args:
        connection: In the transaction in which the tables are read.
        files: The claims or conditions.
        schema: Columns that each query returns, with their types.

    Returns:
        Each file whose query ran, with its rows; the names of the others, each with a sentence.
    """
    found, failures = [], dict[str, str]()
    for file in files:
        try:
            found.append((file, _run_query(connection, file, schema)))
        except QueryFileFailed as error:
            failures[file.name] = str(error)
            # ADBC cannot go on in a failed transaction, nor use a savepoint. Later queries may
            # see newer inputs: after a failure no watermark moves, and all are run again.
            connection.rollback()
            arrow.execute(connection, BEGIN_READING)
    return found, failures


def _run_query(connection: adbc.Connection, file: QueryFile, schema: pl.Schema) -> pl.DataFrame:
    try:
        rows = arrow.read(connection, file.query)
        return rows.select(schema.names()).cast(schema)
    except adbc.DatabaseError as error:
        if (error.sqlstate or "")[:2] not in QUERY_ERRORS:
            raise
        raise QueryFileFailed(f"The query of {file.name}.sql failed: {error}") from error
    except pl.exceptions.PolarsError as error:
        columns = ", ".join(f"{name} {kind}" for name, kind in rows.schema.items())
        raise QueryFileFailed(
            f"The query of {file.name}.sql returns {columns};"
            f" expected: {', '.join(schema.names())}."
        ) from error


def stored_rows_of(column: str, failures: Iterable[str]) -> str:
    """Return SQL on `old`: all stored rows but those of queries that failed.

    Args:
        column: That has the names of the files.
        failures: Names of the files that failed.
    """
    names = ", ".join(f"'{name}'" for name in sorted(failures))
    return f"old.{column} not in ({names})" if names else "true"
