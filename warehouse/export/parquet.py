"""Write published tables as Parquet, one file per year, with their comments as metadata.

A file's metadata have the number and the checksum of its rows, so that a second export, or one that
was interrupted, writes only the years whose rows changed. Load times would not do: a new dividend
changes the adjusted closes of all earlier years, whose rows were loaded long before.
"""

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_postgresql import dbapi as adbc

from warehouse.base_error import RotationError
from warehouse.connect import arrow
from warehouse.export.catalogue import CatalogueTable, read_catalogue

# the dates by which tables are partitioned, the first that a table has
DATE_COLUMNS = (
    *("session_date", "as_of_date", "ex_date", "observation_date", "release_date"),
    *("period_end", "filed_date", "known_from"),
)
METADATA_PREFIX = "rotation."
FILE_NAME = "part.parquet"
# readers of a folder skip names that start with a full stop
PARTIAL_NAME, LOCK_NAME = f".{FILE_NAME}", ".export.lock"


class UnknownExportTable(RotationError):
    """A requested table is no published table."""


class ExportIsRunning(RotationError):
    """Another export writes to the same folder."""


@dataclass(frozen=True)
class Partition:
    """One file of an export.

    Attributes:
        year: Of its rows; None where the table has no date, or the rows have none.
        rows: Their number.
        checksum: Sum of the hashes of the rows.
    """

    year: int | None
    rows: int
    checksum: str

    @property
    def state(self) -> dict[str, str]:
        """The metadata that say which rows the file holds."""
        return {"rows": str(self.rows), "checksum": self.checksum}


@dataclass(frozen=True)
class ExportedFile:
    """A file of an export, written or already there."""

    path: Path
    rows: int
    is_written: bool


def export_tables(
    connection: adbc.Connection, tables: Sequence[str], folder: Path
) -> Iterator[ExportedFile]:
    """Write tables to `folder/<table>/year=<year>/part.parquet` and yield each file.

    All files are of one snapshot of the warehouse. A file appears complete or not at all; files of
    years that have no rows any more are deleted. If an export is killed, the next one writes what
    is missing.

    Args:
        connection: Of a role that reads published and audit; its transaction becomes the snapshot.
        tables: Names of published tables; empty: all.
        folder: Where to write.

    Raises:
        UnknownExportTable: A name is no published table; nothing is written then.
        ExportIsRunning: Another export writes to the folder.
    """
    arrow.execute(connection, "set transaction isolation level repeatable read read only")
    # rows are hashed as text, which must not depend on the settings of the session
    for setting in ("timezone = 'UTC'", "datestyle = 'ISO, YMD'", "extra_float_digits = 1"):
        arrow.execute(connection, f"set local {setting}")
    published = {
        table.name: table for table in read_catalogue(connection) if table.schema == "published"
    }
    _check_names(tables, list(published))
    snapshot = _read_snapshot(connection)
    with _lock(folder):
        for name in tables or published:
            yield from _export_table(connection, published[name], folder / name, snapshot)


def _check_names(tables: Sequence[str], published: Sequence[str]) -> None:
    unknown = sorted(set(tables) - set(published))
    if not unknown:
        return
    nearest = sorted({each for name in unknown for each in get_close_matches(name, published, 3)})
    advice = f"nearest: {', '.join(nearest)}" if nearest else f"these are: {', '.join(published)}"
    raise UnknownExportTable(f"{', '.join(unknown)}: no published table; {advice}.")


def _read_snapshot(connection: adbc.Connection) -> dict[str, str]:
    """Return the origin of the rows, the newest run's logical time, and the time now."""
    query = """
        select
            coalesce((select origin from audit.origin), '') as origin,
            coalesce(
                (select to_char(
                    max(coalesce(clock_at, started_at)), 'YYYY-MM-DD"T"HH24:MI:SSOF'
                ) from audit.run), ''
            ) as as_of
        """
    found = arrow.read(connection, query).row(0, named=True)
    return {**found, "exported_at": datetime.now(UTC).isoformat(timespec="seconds")}


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_NAME).open("w") as file:
        try:
            # the kernel releases the lock when the process ends
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ExportIsRunning(
                f"Another export writes to {folder}: wait until it ends, or choose another folder."
            ) from None
        yield


def _export_table(
    connection: adbc.Connection, table: CatalogueTable, folder: Path, snapshot: dict[str, str]
) -> Iterator[ExportedFile]:
    columns = {column.name for column in table.columns}
    date_column = next((name for name in DATE_COLUMNS if name in columns), None)
    current = set()
    for partition in _read_partitions(connection, table.name, date_column):
        path = folder / _directory(partition, date_column) / FILE_NAME
        current.add(path)
        is_current = _read_state(path) == partition.state
        if not is_current:
            condition = "true"
            if date_column and partition.rows:
                condition = f"extract(year from {date_column}) is not distinct from $1::integer"
            query = f"select * from published.{table.name} where {condition}"
            parameters = [partition.year] if "$1" in condition else []
            rows = arrow.read(connection, query, parameters).to_arrow()
            _write(path, _with_metadata(rows, table, partition.state | snapshot))
        yield ExportedFile(path, partition.rows, not is_current)
    for path in sorted(folder.rglob(FILE_NAME)):
        if path not in current:
            path.unlink()
            if path.parent != folder and not any(path.parent.iterdir()):
                path.parent.rmdir()


def _directory(partition: Partition, date_column: str | None) -> str:
    """Return the folder of a partition in the form that Hive, DuckDB and Arrow read."""
    if date_column is None or not partition.rows:
        return ""
    return f"year={'__HIVE_DEFAULT_PARTITION__' if partition.year is None else partition.year}"


def _read_partitions(
    connection: adbc.Connection, table: str, date_column: str | None
) -> list[Partition]:
    year = f"extract(year from {date_column})::integer" if date_column else "null::integer"
    rows = arrow.read(
        connection,
        f"select {year} as year, count(*) as rows,"
        " sum(hashtextextended(content::text, 0)::numeric)::text as checksum"
        f" from published.{table} as content group by 1 order by 1",
    )
    # an empty table has a file, too: it says which columns there are
    return [Partition(*row) for row in rows.iter_rows()] or [Partition(None, 0, "0")]


def _with_metadata(rows: pa.Table, table: CatalogueTable, values: Mapping[str, str]) -> pa.Table:
    """Return the rows with each column's comment and unit, and the table's own metadata."""
    columns = {column.name: column for column in table.columns}
    fields = [
        field.with_metadata(
            {"comment": columns[field.name].comment, "unit": columns[field.name].unit or ""}
        )
        for field in rows.schema
    ]
    own = {"table": table.name, "comment": table.comment, "source": table.source, **values}
    metadata = {METADATA_PREFIX + name: value for name, value in own.items()}
    return rows.cast(pa.schema(fields, metadata=metadata))


def _read_state(path: Path) -> dict[str, str] | None:
    """Return which rows a file holds; None where there is no readable file."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return None
    names = Partition(None, 0, "").state
    return {name: metadata.get((METADATA_PREFIX + name).encode(), b"").decode() for name in names}


def _write(path: Path, rows: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(PARTIAL_NAME)
    try:
        pq.write_table(rows, partial, compression="zstd")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
