"""Write published tables as Parquet, one file per year, with their comments as metadata.

A file's metadata name the rows that it holds (their number and the time of the newest), so that a
second export, or one that was interrupted, writes only the years whose rows changed.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_postgresql import dbapi as adbc

from warehouse.base_error import RotationError
from warehouse.connect import arrow

# the dates by which tables are partitioned, the first that a table has
DATE_COLUMNS = (
    *("session_date", "as_of_date", "ex_date", "observation_date", "release_date"),
    *("period_end", "filed_date", "known_from"),
)
LOADED_AT = "loaded_at"
METADATA_PREFIX = "rotation."


class UnknownExportTable(RotationError):
    """A requested table is no published table."""


@dataclass(frozen=True)
class Partition:
    """One file of an export.

    Attributes:
        year: Of its rows; None where the table has no date: all rows.
        rows: Their number.
        newest: When the newest of them was loaded, as text; None where the table does not say.
    """

    year: int | None
    rows: int
    newest: str | None

    @property
    def state(self) -> dict[str, str]:
        """The metadata that say which rows the file holds."""
        return {"rows": str(self.rows), "newest_loaded_at": self.newest or ""}


@dataclass(frozen=True)
class ExportedFile:
    """A file of an export, written or already there."""

    path: Path
    rows: int
    is_written: bool


def published_tables(connection: adbc.Connection) -> list[str]:
    """Return the names of all published tables."""
    query = "select viewname from pg_views where schemaname = 'published' order by viewname"
    return arrow.read(connection, query)["viewname"].to_list()


def export_tables(
    connection: adbc.Connection, tables: Sequence[str], folder: Path
) -> Iterator[ExportedFile]:
    """Write tables to `folder/<table>/year=<year>/part.parquet` and yield each file.

    All files are of one snapshot of the warehouse. A file appears complete or not at all; files of
    years that have no rows any more are deleted.

    Args:
        connection: Of a role that reads published; its transaction becomes the snapshot.
        tables: Names of published tables; empty: all.
        folder: Where to write.

    Raises:
        UnknownExportTable: A name is no published table; nothing is written then.
    """
    arrow.execute(connection, "set transaction isolation level repeatable read read only")
    published = published_tables(connection)
    if unknown := sorted(set(tables) - set(published)):
        raise UnknownExportTable(
            f"{', '.join(unknown)}: no published table; these are: {', '.join(published)}."
        )
    origin = arrow.read(connection, "select origin from audit.origin")["origin"].to_list()
    snapshot = {
        "origin": origin[0] if origin else "",
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    for table in tables or published:
        yield from _export_table(connection, table, folder / table, snapshot)


def _export_table(
    connection: adbc.Connection, table: str, folder: Path, snapshot: dict[str, str]
) -> Iterator[ExportedFile]:
    comments = _read_comments(connection, table)
    date_column = next((name for name in DATE_COLUMNS if name in comments), None)
    partitions = _read_partitions(connection, table, date_column, LOADED_AT in comments)
    current = set()
    for partition in partitions:
        path = folder / _directory(partition, date_column) / "part.parquet"
        current.add(path)
        is_current = partition.newest is not None and _read_state(path) == partition.state
        if not is_current:
            condition = "true"
            if date_column and partition.rows:
                condition = f"extract(year from {date_column}) is not distinct from $1::integer"
            query = f"select * from published.{table} where {condition}"
            parameters = [partition.year] if "$1" in condition else []
            rows = arrow.read(connection, query, parameters).to_arrow()
            _write(path, _with_metadata(rows, comments, table, partition.state | snapshot))
        yield ExportedFile(path, partition.rows, not is_current)
    for path in sorted(folder.rglob("*.parquet")):
        if path not in current:
            path.unlink()


def _directory(partition: Partition, date_column: str | None) -> str:
    """Return the folder of a partition in the form that Hive, DuckDB and Arrow read."""
    if date_column is None or not partition.rows:
        return ""
    return f"year={'__HIVE_DEFAULT_PARTITION__' if partition.year is None else partition.year}"


def _read_partitions(
    connection: adbc.Connection, table: str, date_column: str | None, has_load_time: bool
) -> list[Partition]:
    year = f"extract(year from {date_column})::integer" if date_column else "null::integer"
    newest = f"max({LOADED_AT})::text" if has_load_time else "null::text"
    rows = arrow.read(
        connection,
        f"select {year} as year, count(*) as rows, {newest} as newest"
        f" from published.{table} group by 1 order by 1",
    )
    # an empty table has a file, too: it says which columns there are
    return [Partition(*row) for row in rows.iter_rows()] or [Partition(None, 0, None)]


def _read_comments(connection: adbc.Connection, table: str) -> dict[str, str]:
    """Return column to comment, and the table's own comment under the empty name."""
    rows = arrow.read(
        connection,
        """
        select coalesce(attname, '') as name, coalesce(description, '') as comment
        from pg_class as view
        join pg_attribute on attrelid = view.oid and attnum > 0 and not attisdropped
        left join pg_description on objoid = view.oid and objsubid = attnum
        where view.relnamespace = 'published'::regnamespace and view.relname = $1
        union all
        select '', coalesce(obj_description(view.oid, 'pg_class'), '')
        from pg_class as view
        where view.relnamespace = 'published'::regnamespace and view.relname = $1
        """,
        (table,),
    )
    return dict(rows.iter_rows())


def _with_metadata(
    rows: pa.Table, comments: dict[str, str], table: str, values: dict[str, str]
) -> pa.Table:
    fields = [
        field.with_metadata({"comment": comments.get(field.name, "")}) for field in rows.schema
    ]
    metadata = {METADATA_PREFIX + name: value for name, value in values.items()}
    metadata |= {METADATA_PREFIX + "table": table, METADATA_PREFIX + "comment": comments[""]}
    return rows.cast(pa.schema(fields, metadata=metadata))


def _read_state(path: Path) -> dict[str, str] | None:
    """Return which rows a file holds; None where there is no readable file."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return None
    names = Partition(None, 0, None).state
    return {name: metadata.get((METADATA_PREFIX + name).encode(), b"").decode() for name in names}


def _write(path: Path, rows: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        pq.write_table(rows, partial, compression="zstd")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
