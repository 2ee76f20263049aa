"""Compare a batch with the stored rows in memory.

Most rows of a batch are new or as stored. Telling them apart here, the server copies the new ones
straight into the table and never sees the others, which costs a fraction of staging them all.
"""

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Contract
from warehouse.connect import arrow


def split_batch(
    connection: adbc.Connection, contract: Contract, batch: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split a batch by its stored rows, in memory.

    Returns:
        The rows whose key is not stored, and the rows that are not equal, to the bit, to the stored
        row of their key. `Column.equal_when` may still hold for these.
    """
    values = [name for name in contract.column_names if name not in contract.key]
    stored = _read_stored(connection, contract, batch).with_columns(pl.lit(True).alias("is_stored"))
    compared = batch.join(
        stored, on=contract.key, how="left", suffix="_stored", maintain_order="left"
    )
    is_same = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(f"{name}_stored")) for name in values
    )
    is_new = pl.col("is_stored").is_null()
    return (
        compared.filter(is_new).select(batch.columns),
        compared.filter(~is_new & ~is_same).select(batch.columns),
    )


def _read_stored(
    connection: adbc.Connection, contract: Contract, batch: pl.DataFrame
) -> pl.DataFrame:
    """Read the stored rows that may have a key of the batch.

    They share the first part of the key, and their date is between the batch's first and last one,
    so a day's batch reads a day of the stored history.
    """
    types = {column.name: column.sql_type for column in contract.columns}
    first, *others = contract.key
    date = next((name for name in others[:1] if types[name] == "date"), None)
    bounds = (pl.col(date).min().alias("first"), pl.col(date).max().alias("last")) if date else ()
    key_ranges = f"key_range_{contract.table}"
    arrow.stage(connection, key_ranges, batch.group_by(first).agg(bounds).to_arrow())
    date_condition = f"and old.{date} between batch.first and batch.last" if date else ""
    # without a parameter, which would have the driver collect the whole result first
    return arrow.read(
        connection,
        f"""
        select {", ".join(f"old.{name}" for name in contract.column_names)}
        from {key_ranges} as batch
        join {contract.qualified_name} as old on old.{first} = batch.{first} {date_condition}
        """,
    )
