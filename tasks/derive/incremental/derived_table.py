"""Defines a derived table: its inputs, its function, and the Prefect task that runs it.

A module with a `TABLE` of this type, named as its table, is a derived table of the warehouse:
`tasks.derive.rebuild` finds it, and the flow derives it after the tables that it is derived from.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import polars as pl
from adbc_driver_postgresql import dbapi as adbc
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations import contracts
from expectations.contract import Contract
from tasks.derive.incremental.changes import (
    ChangeSet,
    DerivedBatch,
    InternalRows,
    cap_watermarks,
    read_changes,
)
from warehouse.base_error import RotationError
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection
from warehouse.settings import Settings

# one snapshot: a load that commits meanwhile is followed next time
BEGIN_READING = "set transaction isolation level repeatable read read only"


class DerivationError(RotationError):
    """A table cannot be derived from its inputs; tables that do not need it go on."""


@dataclass(frozen=True)
class DerivedRows:
    """New rows of a derived table.

    Attributes:
        rows: One row per key.
        replace_where: SQL on `old`: the stored rows that `rows` replace.
        failures: One sentence per row that could not be derived; `replace_where` excludes these
            rows, and the next run derives the table again.
        internal: Rows of an internal table to store with `rows`.
    """

    rows: pl.DataFrame
    replace_where: str
    failures: tuple[str, ...] = ()
    internal: InternalRows | None = None


@dataclass(frozen=True)
class DerivedTable:
    """Definition of one derived table.

    Attributes:
        contract: Of the table; its `upstream` names the inputs and the derived tables it reads.
        inputs: Input table to the SQL that says which subjects its changes reach, and from which
            date (see `tasks.derive.incremental.changes`).
        derive: Returns the new rows for a change set, read in the given transaction; None where
            no stored row can differ.
        is_always_derived: Whether to call `derive` also without changes of the inputs, for a table
            that compares a reference file with its stored rows itself.
        logic_version: Raised with a change of code that may change stored rows.
        reference_files: Names in `warehouse/reference` whose change may change stored rows.
    """

    contract: Contract
    inputs: Mapping[str, str]
    derive: Callable[[adbc.Connection, ChangeSet], DerivedRows | None]
    logic_version: int = 1
    reference_files: tuple[str, ...] = ()
    is_always_derived: bool = False

    @property
    def name(self) -> str:
        """Return the table's name."""
        return self.contract.table

    @property
    def derived_upstream(self) -> list[str]:
        """Return the derived tables that this one reads."""
        return [name for name in self.contract.upstream if contracts()[name].schema == "derived"]


@task(name="derive", task_run_name="derive {table.name}", cache_policy=NO_CACHE)
def derive_table(table: DerivedTable, settings: Settings) -> DerivedBatch | None:
    """Derive the rows of a table that changes of its inputs reach.

    Returns:
        The rows to publish, or the watermarks alone where the changes reach no row; None where
        the table is up to date.

    Raises:
        DerivationError: An input, such as a reference file, is invalid.
    """
    with adbc_connection(settings) as connection:
        arrow.execute(connection, BEGIN_READING)
        changes = read_changes(connection, table.name, table.inputs)
        is_due = changes.dirty_from or table.is_always_derived
        derived = table.derive(connection, changes) if is_due else None
        if derived is not None and not _has_effect(connection, table, derived):
            derived = None
        if changes.has_new_watermark:
            # changes that an upstream table has not followed yet remain to be followed here
            changes = cap_watermarks(connection, changes, table.derived_upstream)
    if derived is None:
        return DerivedBatch(table.contract, changes) if changes.has_new_watermark else None
    if derived.failures:
        # rows that failed have not followed the changes
        changes = replace(changes, to_watermark=changes.from_watermark)
    return DerivedBatch(
        table.contract,
        changes,
        derived.rows,
        derived.replace_where,
        derived.failures,
        derived.internal,
    )


def _has_effect(connection: adbc.Connection, table: DerivedTable, derived: DerivedRows) -> bool:
    """Return whether there are rows to store, to withdraw or to derive again."""
    if derived.rows.height or derived.failures:
        return True
    stored = f"select from {table.contract.qualified_name} as old where {derived.replace_where}"
    return bool(arrow.read(connection, f"select exists ({stored}) as is_stored").item())
