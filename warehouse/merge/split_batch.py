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
        The rows whose key is not stored, and the rows that differ from the stored row of their key.
    """
    values = [name for name in contract.column_names if name not in contract.key]
    stored = _read_stored(connection, contract, batch).with_columns(pl.lit(True).alias("is_stored"))
    compared = batch.join(stored, on=contract.key, how="left", suffix="_stored")
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
    subject, *others = (column for column in contract.columns if column.name in contract.key)
    date = next((column.name for column in others[:1] if column.sql_type == "date"), None)
    bounds = [pl.col(date).min().alias("first"), pl.col(date).max().alias("last")] if date else []
    listed = batch.group_by(pl.col(subject.name).alias("subject")).agg(bounds)
    within = f"and old.{date} between batch.first and batch.last" if date else ""
    return arrow.read(
        connection,
        f"""
        select {", ".join(f"old.{name}" for name in contract.column_names)}
        from jsonb_to_recordset($1::jsonb) as batch (
            subject {subject.sql_type}, first date, last date
        )
        join {contract.qualified_name} as old on old.{subject.name} = batch.subject {within}
        """,
        (listed.write_json(),),
    )
