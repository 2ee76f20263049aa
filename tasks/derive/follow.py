"""How derived tables follow core: which changes are new to them, and what a derivation hands on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.contract import Contract
from warehouse import arrow


@dataclass(frozen=True)
class Changes:
    """What changed in a derived table's inputs since it last followed them.

    Attributes:
        since: Input table to the number of the last change that the derived rows reflect.
        until: Input table to the number of the last change now.
        first_dates: Ticker to the first date from which its derived rows may come out
            differently.
    """

    since: Mapping[str, int]
    until: Mapping[str, int]
    first_dates: Mapping[str, date]


@dataclass(frozen=True)
class Derived:
    """What a derivation hands on to be published.

    Attributes:
        contract: Of the derived table.
        rows: One row per key.
        replaced: SQL on `old`, the held rows that `rows` stand for as a whole.
        changes: What the derivation has seen.
    """

    contract: Contract
    rows: pl.DataFrame
    replaced: str
    changes: Changes


def read_changes(connection: adbc.Connection, derived_table: str, inputs: Sequence[str]) -> Changes:
    """The changes of the inputs that a derived table has not followed yet."""
    followed = arrow.read(
        connection,
        "select input_table, change_id from audit.derivation where derived_table = $1",
        (derived_table,),
    )
    since = dict.fromkeys(inputs, 0) | dict(followed.iter_rows())
    newest = arrow.read(
        connection,
        "select table_name, max(change_id) as change_id from audit.change group by table_name",
    )
    until = since | {table: number for table, number in newest.iter_rows() if table in inputs}
    is_new = " or ".join(
        f"(table_name = '{table}' and change_id > {since[table]})" for table in inputs
    )
    changed = arrow.read(
        connection,
        f"""
        select ticker.ticker, min(change.from_date) as first_date
        from audit.change as change
        join core.ticker as ticker using (instrument_id)
        where {is_new}
        group by ticker.ticker
        """,
    )
    return Changes(since, until, dict(changed.iter_rows()))
