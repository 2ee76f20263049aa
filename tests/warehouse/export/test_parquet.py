"""Published tables as Parquet: read back by others, written once, never half."""

from datetime import date

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.tasks.derive.pipeline import House
from warehouse.connect.connections import adbc_connection
from warehouse.export import parquet
from warehouse.export.parquet import UnknownExportTable, export_tables, published_tables
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
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_all_tables_are_exported_and_an_unknown_one_is_named(filled, tmp_path):
    files = export(filled.settings, tmp_path)
    written = {file.path.relative_to(tmp_path).parts[0] for file in files}
    with adbc_connection(filled.settings, "reader") as connection:
        tables = set(published_tables(connection))
    assert {"daily_price", "corporate_action", "freshness", "coverage"} <= tables
    assert written == tables
    empty = pq.read_table(tmp_path / "coverage" / "part.parquet")
    assert (empty.num_rows, "expected" in empty.column_names) == (0, True)
    with pytest.raises(UnknownExportTable, match="prices: no published table"):
        export(filled.settings, tmp_path, "prices")
