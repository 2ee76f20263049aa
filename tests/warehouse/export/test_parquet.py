"""Published tables as Parquet: read back by others, written once, never half."""

import os
import signal
import subprocess
import sys
from datetime import date

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.tasks.derive.pipeline import House
from warehouse.connect.connections import adbc_connection, connect
from warehouse.export import parquet
from warehouse.export.parquet import ExportIsRunning, UnknownExportTable, export_tables
from warehouse.settings import Settings

BARS = [
    ("AAA", date(2024, 12, 31), 10.5, 100),
    ("AAA", date(2025, 1, 2), 11.5, 200),
    ("BBB", date(2025, 1, 2), 20.25, 300),
]


def export(settings, folder, *tables):
    with adbc_connection(settings, "reader") as connection:
        return list(export_tables(connection, tables, folder))


@pytest.fixture
def filled(settings: Settings) -> House:
    house = House(settings)
    house.load_prices(BARS, [("AAA", date(2025, 1, 2), "dividend", 0.25)])
    return house


def test_duckdb_and_pandas_read_the_rows(filled, tmp_path):
    export(filled.settings, tmp_path, "daily_price")
    files = f"{tmp_path}/daily_price/*/*.parquet"
    rows = duckdb.sql(
        "select ticker, session_date, close, volume"
        f" from read_parquet('{files}', hive_partitioning = true) order by session_date, ticker"
    ).fetchall()
    assert rows == BARS
    frame = pd.read_parquet(tmp_path / "daily_price")
    assert frame.groupby("year", observed=True)["close"].sum().to_dict() == {
        2024: 10.5,
        2025: 31.75,
    }


def test_metadata_say_what_a_column_is_and_where_it_is_from(filled, tmp_path):
    export(filled.settings, tmp_path, "corporate_action")
    schema = pq.read_schema(tmp_path / "corporate_action" / "year=2025" / "part.parquet")
    assert "USD" in schema.field("value").metadata[b"comment"].decode()
    assert schema.metadata[b"rotation.table"] == b"corporate_action"
    assert schema.metadata[b"rotation.rows"] == b"1"
    assert schema.metadata[b"rotation.as_of"].startswith(b"20")
    assert b"rotation.origin" in schema.metadata
    export(filled.settings, tmp_path, "daily_price")
    bars = pq.read_schema(tmp_path / "daily_price" / "year=2025" / "part.parquet")
    units = {name: bars.field(name).metadata[b"unit"] for name in ("close", "volume", "ticker")}
    assert units == {"close": b"USD", "volume": b"shares", "ticker": b""}


def test_second_export_writes_the_changed_years_only(filled, tmp_path):
    assert [file.is_written for file in export(filled.settings, tmp_path, "daily_price")] == [
        True,
        True,
    ]
    assert not any(file.is_written for file in export(filled.settings, tmp_path, "daily_price"))
    filled.load_prices([("BBB", date(2025, 1, 3), 21.0, 400)])
    again = export(filled.settings, tmp_path, "daily_price")
    assert [(file.path.parent.name, file.is_written) for file in again] == [
        ("year=2024", False),
        ("year=2025", True),
    ]
    # a dividend changes the adjusted closes of the years before, whose rows were loaded earlier
    filled.load_prices(
        [("AAA", date(2025, 1, 3), 11.0, 100)], [("AAA", date(2025, 1, 3), "dividend", 1.0)]
    )
    assert all(file.is_written for file in export(filled.settings, tmp_path, "daily_price"))
    closes = duckdb.sql(
        f"select close_total_return from read_parquet('{tmp_path}/daily_price/*/*.parquet')"
        " where ticker = 'AAA' and session_date = '2024-12-31'"
    ).fetchall()
    # 10.5 less the parts paid of the closes before: 0.25 of 10.5, then 1.0 of 11.5
    assert closes == [(pytest.approx(10.5 * (1 - 0.25 / 10.5) * (1 - 1 / 11.5)),)]
    # a year without rows any more, and a file that is cut off
    stray = tmp_path / "daily_price" / "year=1999" / "part.parquet"
    stray.parent.mkdir()
    stray.write_bytes(b"PAR1")
    (tmp_path / "daily_price" / "year=2024" / "part.parquet").write_bytes(b"PAR1")
    again = export(filled.settings, tmp_path, "daily_price")
    assert [file.is_written for file in again] == [True, False]
    assert not stray.exists()


def test_interrupted_export_leaves_no_half_file(filled, tmp_path, monkeypatch):
    def fail(rows, path, **_):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(parquet.pq, "write_table", fail)
    with pytest.raises(KeyboardInterrupt):
        export(filled.settings, tmp_path, "daily_price")
    assert list((tmp_path / "daily_price").rglob("*.*")) == []


# ends without a chance to clean up, in the middle of the second file
KILLED_EXPORT = """
import os, signal, sys
from pathlib import Path
from warehouse.connect.connections import adbc_connection, connect
from warehouse.export import parquet
from warehouse.settings import Settings

write, written = parquet.pq.write_table, []

def write_or_die(rows, path, **options):
    if written:
        path.write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    written.append(path)
    write(rows, path, **options)

parquet.pq.write_table = write_or_die
with adbc_connection(Settings(), "reader") as connection:
    list(parquet.export_tables(connection, ["daily_price"], Path(sys.argv[1])))
"""


def test_killed_export_continues_with_the_next(filled, tmp_path):
    environment = {
        **os.environ,
        "ROTATION_HOME": str(filled.settings.home),
        "ROTATION_ORIGIN": filled.settings.origin,
    }
    command = [sys.executable, "-c", KILLED_EXPORT, str(tmp_path)]
    killed = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    # what readers find is the complete year alone
    assert pd.read_parquet(tmp_path / "daily_price")["close"].to_list() == [10.5]
    again = export(filled.settings, tmp_path, "daily_price")
    assert [file.is_written for file in again] == [False, True]
    assert len(pd.read_parquet(tmp_path / "daily_price")) == len(BARS)
    assert sorted(path.name for path in tmp_path.glob("daily_price/*/*")) == ["part.parquet"] * 2


def test_two_exports_to_one_folder_are_refused(filled, tmp_path):
    with adbc_connection(filled.settings, "reader") as connection:
        first = export_tables(connection, ["daily_price"], tmp_path)
        next(first)
        with pytest.raises(ExportIsRunning, match="Another export"):
            export(filled.settings, tmp_path, "daily_price")
        assert len(list(first)) == 1


def test_all_tables_are_exported_and_an_unknown_one_is_named(filled, tmp_path):
    files = export(filled.settings, tmp_path)
    written = {file.path.relative_to(tmp_path).parts[0] for file in files}
    with connect(filled.settings, "reader") as connection:
        query = "select viewname from pg_views where schemaname = 'published'"
        tables = {name for (name,) in connection.execute(query)}
    assert {"daily_price", "corporate_action", "freshness", "coverage"} <= tables
    assert written == tables
    empty = pq.read_table(tmp_path / "coverage" / "part.parquet")
    assert (empty.num_rows, "expected" in empty.column_names) == (0, True)
    with pytest.raises(
        UnknownExportTable, match=r"prices: no published table; nearest: .*daily_price"
    ):
        export(filled.settings, tmp_path, "daily_prices")
    with pytest.raises(
        UnknownExportTable, match="xyz: no published table; these are: claim_ledger"
    ):
        export(filled.settings, tmp_path, "xyz")
    # nothing changed since: every file is the one of the first export
    assert not any(file.is_written for file in export(filled.settings, tmp_path))
