"""Describe a derived table, and derive it from the input changes since its last run.

A module of a derived table ends with its description:

    TABLE = DerivedTable(CONTRACT, INPUTS, derive_rows, reference_files=("concept",))
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import polars as pl
from adbc_driver_postgresql import dbapi as adbc
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.contract import Contract
from tasks.derive.incremental.changes import ChangeSet, DerivedBatch, read_changes, read_watermarks
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection
from warehouse.reference import reference_file
from warehouse.settings import Settings


@dataclass(frozen=True)
class DerivedRows:
    """Rows to publish.

    Attributes:
        rows: One row per key of the contract.
        replace_where: SQL on `old`: the stored rows that `rows` replace.
    """

    rows: pl.DataFrame
    replace_where: str


DeriveRows = Callable[[adbc.Connection, Mapping[str, date]], DerivedRows | None]


@dataclass(frozen=True)
class DerivedTable:
    """A derived table: what it is derived from, and how.

    Attributes:
        contract: Its contract.
        inputs: Input table to the SQL that names the subjects which a change reaches: see
            `tasks.derive.incremental.changes`.
        derive_rows: Derives the rows of the dirty subjects, given the first dirty date of each;
            None where no row can differ.
        upstream: Derived tables that it reads, too.
        reference_files: Files of `warehouse/reference` whose content changes its rows.
        logic_version: Raised with a change of code that changes stored rows.
    """

    contract: Contract
    inputs: Mapping[str, str]
    derive_rows: DeriveRows
    upstream: tuple["DerivedTable", ...] = ()
    reference_files: tuple[str, ...] = ()
    logic_version: int = 1

    @property
    def name(self) -> str:
        """The table's name."""
        return self.contract.table

    def definition_checksum(self) -> str:
        """Hash the logic version and the reference files."""
        digest = sha256(str(self.logic_version).encode())
        for name in self.reference_files:
            digest.update(reference_file(name).read_bytes())
        return digest.hexdigest()


@task(name="derive", task_run_name="derive {table.contract.table}", cache_policy=NO_CACHE)
def derive(table: DerivedTable, settings: Settings) -> DerivedBatch | None:
    """Derive the rows that input changes since the last run may have changed.

    Returns:
        The rows to publish; None if the table is up to date.
    """
    with adbc_connection(settings) as connection:
        # one snapshot: a load that commits meanwhile is followed by the next run
        arrow.execute(connection, "set transaction isolation level repeatable read read only")
        changes = read_changes(connection, table.name, table.inputs)
        derived = table.derive_rows(connection, changes.dirty_from)
        if derived is None:
            return None
        changes = _cap_watermarks(connection, changes, table.upstream)
    return DerivedBatch(table.contract, derived.rows, derived.replace_where, changes)


def _cap_watermarks(
    connection: adbc.Connection, changes: ChangeSet, upstream: tuple[DerivedTable, ...]
) -> ChangeSet:
    """Advance no further than the tables upstream, whose unread changes are due here, too."""
    to_watermark = dict(changes.to_watermark)
    for table in upstream:
        for name, number in read_watermarks(connection, table.name, table.inputs).items():
            to_watermark[name] = min(to_watermark[name], number)
    return ChangeSet(changes.from_watermark, to_watermark, changes.dirty_from)


def polars_schema(contract: Contract) -> dict[str, pl.DataType]:
    """The Polars types of a contract's columns."""
    types: dict[str, pl.DataType] = {
        "text": pl.String(),
        "date": pl.Date(),
        "integer": pl.Int32(),
        "bigint": pl.Int64(),
        "boolean": pl.Boolean(),
    }
    return {c.name: types.get(c.sql_type, pl.Float64()) for c in contract.columns}
