"""Move frames into and out of PostgreSQL as Arrow tables, without rows of Python objects."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Column

ARROW_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "jsonb": pa.string(),
    "uuid": pa.string(),
    "date": pa.date32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double precision": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
}


def read(connection: adbc.Connection, query: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
    """Run a query and return its rows as a Polars frame; parameters are `$1`, `$2`, ..."""
    with connection.cursor() as cursor:
        cursor.execute(query, tuple(parameters) or None)
        return pl.DataFrame(cursor.fetch_arrow_table())


def execute(connection: adbc.Connection, statement: str, parameters: Sequence[Any] = ()) -> None:
    """Run a statement without a result in the transaction; parameters are `$1`, `$2`, ..."""
    with connection.cursor() as cursor:
        cursor.execute(statement, tuple(parameters) or None)


def to_arrow(frame: pd.DataFrame | pl.DataFrame, columns: Sequence[Column]) -> pa.Table:
    """Convert a frame to an Arrow table with the given columns, in their order and types.

    NaN becomes NULL: the warehouse has no NaN.

    Raises:
        ValueError: a column is missing or has a value that its type cannot store.
    """
    missing = [column.name for column in columns if column.name not in frame.columns]
    if missing:
        raise ValueError(f"The frame lacks the columns {missing}; it has {list(frame.columns)}")
    arrays = [_array(frame[column.name], column) for column in columns]
    return pa.table(arrays, names=[column.name for column in columns])


def _array(series: pd.Series | pl.Series, column: Column) -> pa.Array:
    target_type = ARROW_TYPES[column.sql_type]
    try:
        if isinstance(series, pl.Series):
            array = (series.fill_nan(None) if series.dtype.is_float() else series).to_arrow()
        else:
            array = pa.Array.from_pandas(series)
            if isinstance(array, pa.ChunkedArray):
                array = array.combine_chunks()
        stored = array.cast(target_type)
        # a cast to date would drop the time of day and the time zone without an error
        if pa.types.is_timestamp(array.type) and pa.types.is_date(target_type):
            midnights = stored.cast(pa.timestamp(array.type.unit)).cast(array.type)
            if not midnights.equals(array):
                raise pa.ArrowInvalid("it has times of day")
    except pa.ArrowException as error:
        raise ValueError(
            f"Column {column.name} can't be stored as {target_type}: {error}"
        ) from error
    return stored


def append(connection: adbc.Connection, schema: str, table: str, rows: pa.Table) -> None:
    """Append an Arrow table to a database table with the same columns."""
    if rows.num_rows:
        with connection.cursor() as cursor:
            cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema)


def stage(connection: adbc.Connection, name: str, rows: pa.Table) -> None:
    """Create a temporary table from an Arrow table, for the life of the connection."""
    with connection.cursor() as cursor:
        cursor.adbc_ingest(name, rows, mode="replace", temporary=True)
    _analyze(connection, name)


def create_temporary(
    connection: adbc.Connection, name: str, query: str, parameters: Sequence[Any] = ()
) -> None:
    """Create a temporary table from the rows of a query, for the transaction."""
    execute(connection, f"create temporary table {name} on commit drop as {query}", parameters)
    _analyze(connection, name)


def _analyze(connection: adbc.Connection, table: str) -> None:
    """Collect the planner's statistics, which autovacuum cannot do for a temporary table.

    Without them a batch counts as a few hundred rows, and a join with it is planned as a nested
    loop: with 800 tickers of 5 years one statement then took nine tenths of the first fill.
    """
    execute(connection, f"analyze {table}")
