"""Reads the changes of inputs that a derived table has not followed yet.

A derived table maps each input table to SQL that says which subjects its changes reach. The SQL
reads `change`, the changes since the table's watermark (`instrument_id`, `item`, `from_date`, and
the `run_ids` that made them), and returns `subject` (the unit that the table derives at a time: a
ticker, an index, a company) and `first_date` (the first date whose rows may differ).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations import contracts
from expectations.contract import Contract
from warehouse.connect import arrow


@dataclass(frozen=True)
class ChangeSet:
    """Changes of a derived table's inputs since its watermarks.

    Attributes:
        from_watermark: Input table to the number of the last change that the derived rows reflect.
        to_watermark: Input table to the number of the last change now.
        dirty_from: Subject to the first date from which its derived rows may come out
            differently.
    """

    from_watermark: Mapping[str, int]
    to_watermark: Mapping[str, int]
    dirty_from: Mapping[str, date]

    @property
    def has_new_watermark(self) -> bool:
        """Return whether any input has changes that the derived rows do not reflect."""
        return self.to_watermark != self.from_watermark


@dataclass(frozen=True)
class InternalRows:
    """Rows of a table that is not published, stored with the rows of a derived table.

    Attributes:
        table: Its name with schema.
        rows: They replace those of the keys that the derived rows replace.
    """

    table: str
    rows: pl.DataFrame


@dataclass(frozen=True)
class DerivedBatch:
    """Derived rows to publish, with the changes they reflect.

    Attributes:
        contract: Of the derived table.
        changes: The changes that the rows reflect.
        rows: One row per key; None where the changes reach no row, so that only the watermarks
            move.
        replace_where: SQL on `old`: the stored rows that `rows` replace.
        failures: One sentence per row that could not be derived.
        internal: Rows of an internal table to store with `rows`.
    """

    contract: Contract
    changes: ChangeSet
    rows: pl.DataFrame | None = None
    replace_where: str = "false"
    failures: tuple[str, ...] = ()
    internal: InternalRows | None = None


def read_watermarks(
    connection: adbc.Connection, derived_table: str, inputs: Iterable[str]
) -> dict[str, int]:
    """Return the number of the last change of each input that a derived table reflects."""
    watermarks = arrow.read(
        connection,
        "select input_table, change_id from audit.derivation where derived_table = $1",
        (derived_table,),
    )
    return dict.fromkeys(inputs, 0) | dict(watermarks.iter_rows())


def read_changes(
    connection: adbc.Connection, derived_table: str, inputs: Mapping[str, str]
) -> ChangeSet:
    """Return the changes of the inputs since a derived table's watermarks.

    Args:
        connection: Of the loader, in the transaction in which the inputs will be read.
        derived_table: Its name.
        inputs: Input table to the SQL that says which subjects its changes reach.
    """
    from_watermark = read_watermarks(connection, derived_table, inputs)
    to_watermark, dirty_from = dict(from_watermark), dict[str, date]()
    for table, dirty_sql in inputs.items():
        newest = arrow.read(
            connection,
            "select max(change_id) as change_id from audit.change where table_name = $1",
            (table,),
        )["change_id"][0]
        if newest is None or newest == from_watermark[table]:
            continue
        to_watermark[table] = newest
        subjects = arrow.read(
            connection,
            f"""
            with change as (
                select
                    instrument_id, item, min(from_date) as from_date, array_agg(run_id) as run_ids
                from audit.change
                where table_name = $1 and change_id > $2
                group by instrument_id, item
            )
            select subject, min(first_date) as first_date from ({dirty_sql}) as dirty_sql
            group by subject
            """,
            (table, from_watermark[table]),
        )
        for subject, first_date in subjects.iter_rows():
            dirty_from[subject] = min(first_date, dirty_from.get(subject, date.max))
    return ChangeSet(from_watermark, to_watermark, dirty_from)


def store_watermarks(connection: adbc.Connection, derived_table: str, changes: ChangeSet) -> None:
    """Store the numbers of the last changes that a derived table reflects."""
    rows = ", ".join(
        f"('{derived_table}', '{input_table}', {change_id})"
        for input_table, change_id in changes.to_watermark.items()
    )
    arrow.execute(
        connection,
        f"""
        insert into audit.derivation (derived_table, input_table, change_id) values {rows}
        on conflict (derived_table, input_table) do update set change_id = excluded.change_id
        """,
    )


def cap_watermarks(
    connection: adbc.Connection, changes: ChangeSet, upstream: Iterable[str]
) -> ChangeSet:
    """Return changes with watermarks no higher than those of upstream derived tables.

    An upstream table may lag behind: its rows then lack changes that this table's inputs have,
    and these must reach this table again once upstream has followed them.

    Args:
        connection: In the transaction in which the upstream tables are read.
        changes: Of the table's own inputs.
        upstream: Derived tables whose rows are read.
    """
    capped = dict(changes.to_watermark)
    for table in upstream:
        inputs = [name for name in contracts()[table].upstream if name in capped]
        for name, change_id in read_watermarks(connection, table, inputs).items():
            if name in capped:
                capped[name] = min(capped[name], change_id)
    return ChangeSet(changes.from_watermark, capped, changes.dirty_from)


def polars_schema(contract: Contract) -> dict[str, pl.DataType]:
    """Return the Polars type of each column of a contract."""
    types: dict[str, pl.DataType] = {
        "text": pl.String(),
        "date": pl.Date(),
        "integer": pl.Int32(),
        "bigint": pl.Int64(),
        "boolean": pl.Boolean(),
    }
    return {c.name: types.get(c.sql_type, pl.Float64()) for c in contract.columns}
