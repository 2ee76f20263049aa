"""Measure readers on PostgreSQL and DuckDB, and bars in one table and in partitions by year.

All rows of a table come from one run on one machine: compare ratios of one table only.
"""

import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from psycopg import Connection

from deployments.bench.__main__ import temporary_server
from deployments.bench.market import fill, make_market
from deployments.bench.timing import print_and_write, seconds
from tasks.run.context import open_run
from warehouse.connect.connections import adbc_connection, connect
from warehouse.export.parquet import export_tables
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.settings import Settings

REPEATS = 3
# the same text for both; `{prices}` is the published view or the exported files
READER_QUERIES = {
    "history of one ticker": (
        "select session_date, close_split_adjusted from {prices} where ticker = 'T77' order by 1"
    ),
    "all tickers on the newest session": (
        "select ticker, close, volume from {prices}"
        " where session_date = (select max(session_date) from {prices})"
    ),
    "share above the 200-day average, by session": """
        select session_date, avg(case when close_split_adjusted > average then 1 else 0 end)
        from (
            select session_date, close_split_adjusted, avg(close_split_adjusted) over (
                partition by ticker order by session_date rows 199 preceding
            ) as average from {prices}
        ) as day group by session_date order by session_date
    """,
    "traded USD by month": (
        "select date_trunc('month', session_date) as month, sum(close * volume) from {prices}"
        " group by 1 order by 1"
    ),
}
# `{table}` is core.bench_plain or core.bench_by_year, `{newest}` and `{first}` are sessions
TABLE_QUERIES = {
    "load": "insert into {table} select * from core.daily_price",
    "unchanged: 50 tickers, whole history": """
        select count(*) from core.daily_price as new join {table} as old
        using (instrument_id, session_date)
        where new.instrument_id <= 50 and (new.close, new.volume) is distinct from
            (old.close, old.volume)
    """,
    "unchanged: all tickers, ten sessions": """
        select count(*) from core.daily_price as new join {table} as old
        using (instrument_id, session_date)
        where new.session_date > date '{newest}' - 14 and (new.close, new.volume) is distinct from
            (old.close, old.volume)
    """,
    "one month of all tickers": (
        "select avg(close) from {table} where session_date > date '{newest}' - 30"
    ),
    "one year of all tickers": (
        "select avg(close) from {table} where session_date > date '{newest}' - 365"
    ),
    "history of one ticker": "select sum(close) from {table} where instrument_id = 77",
}
REMOVE_YEAR = {
    "core.bench_plain": "delete from core.bench_plain where session_date < '{second}-01-01'",
    "core.bench_by_year": "drop table core.bench_by_year_{first}",
}


def time_query(execute: Callable[[str], Any], query: str, repeats: int = REPEATS) -> float:
    """Return the least seconds of several executions of a query, its rows fetched."""
    return min(seconds(lambda: execute(query)) for _ in range(repeats))


def format_row(name: str, first: float, second: float) -> str:
    """Return a row of a table of two ways; above 1 the second is faster."""
    return f"| {name} | {first:.3f} | {second:.3f} | {first / second:.1f} |"


def make_fetch(connection: Any) -> Callable[[str], list[Any]]:
    """Return a function that executes a query and fetches its rows."""

    def rows(query: str) -> list[Any]:
        found: list[Any] = connection.execute(query).fetchall()
        return found

    return rows


def measure_readers(settings: Settings, folder: Path) -> list[str]:
    """Run the queries of readers on both, and return a row of the table for each.

    Raises:
        AssertionError: The two return different numbers of rows.
    """
    import duckdb

    with adbc_connection(settings) as exporting:
        exported = seconds(lambda: [*export_tables(exporting, ["daily_price"], folder)])
    lines = [f"| export to Parquet | | {exported:.2f} | |"]
    files = f"read_parquet('{folder}/daily_price/*/*.parquet', hive_partitioning = true)"
    with connect(settings, "owner") as postgres, duckdb.connect() as duck:
        for name, query in READER_QUERIES.items():
            ours = query.format(prices="published.daily_price")
            theirs = query.format(prices=files)
            assert len(make_fetch(postgres)(ours)) == len(make_fetch(duck)(theirs))
            lines.append(
                format_row(
                    name,
                    time_query(make_fetch(postgres), ours),
                    time_query(make_fetch(duck), theirs),
                )
            )
    return lines


def make_tables(connection: Connection) -> tuple[int, int]:
    """Create the table of bars without and with partitions; return the first and last year."""
    years = connection.execute(
        """
        select
            extract(year from min(session_date))::int, extract(year from max(session_date))::int
        from core.daily_price
        """
    ).fetchone()
    assert years is not None
    like = "(like core.daily_price including all)"
    connection.execute(f"create table core.bench_plain {like}")
    connection.execute(f"create table core.bench_by_year {like} partition by range (session_date)")
    for year in range(years[0], years[1] + 1):
        connection.execute(
            f"create table core.bench_by_year_{year} partition of core.bench_by_year"
            f" for values from ('{year}-01-01') to ('{year + 1}-01-01')"
        )
    return years[0], years[1]


def measure_partitions(settings: Settings) -> list[str]:
    """Run the statements on both tables, and return a row of the table for each."""
    with connect(settings, "owner") as connection:
        connection.autocommit = True
        first, _ = make_tables(connection)
        row = connection.execute("select max(session_date)::text from core.daily_price").fetchone()
        assert row is not None
        lines = []
        for name, query in TABLE_QUERIES.items():
            found = []
            for table in REMOVE_YEAR:
                text = query.format(table=table, newest=row[0])
                found.append(time_query(connection.execute, text, 1 if name == "load" else REPEATS))
                if name == "load":
                    connection.execute(f"vacuum analyze {table}")
            lines.append(format_row(name, *found))
        removed = [
            time_query(connection.execute, text.format(first=first, second=first + 1), 1)
            for text in REMOVE_YEAR.values()
        ]
        return [*lines, format_row("remove the oldest year", *removed)]


def measure_scale(
    tickers: Annotated[int, typer.Option(help="How many shares.")] = 400,
    years: Annotated[int, typer.Option(help="Of how many years.")] = 5,
    document: Annotated[Path | None, typer.Option(help="Also write the tables here.")] = None,
) -> None:
    """Measure readers and partitions on generated bars."""
    market = make_market(tickers, years)
    with temporary_server() as home:
        settings = Settings(home=home, origin="bench-scale")
        ensure_up_to_date(settings)
        with open_run("bench", settings, publish_artifact=False) as run:
            fill(run, market, tickers)
        readers = measure_readers(settings, home / "export")
        parquet_bytes = sum(file.stat().st_size for file in (home / "export").rglob("*.parquet"))
        partitions = measure_partitions(settings)
        with connect(settings, "owner") as connection:
            row = connection.execute(
                """
                select
                    pg_total_relation_size('core.daily_price'), current_setting('server_version')
                """
            ).fetchone()
    assert row is not None
    bars = market.bars.height
    text = "\n".join(
        [
            "# Readers and partitions",
            "",
            f"{bars:,} bars of {tickers} tickers x {years} years; {os.cpu_count()} cores,"
            f" PostgreSQL {row[1]}, DuckDB {version('duckdb')}. Seconds, the least of"
            f" {REPEATS}; export, load and removal ran once. Stored, with indexes:"
            f" {row[0] / bars:.0f} bytes a bar in PostgreSQL,"
            f" {parquet_bytes / bars:.0f} in Parquet. Load of the machine: {os.getloadavg()[0]:.0f}"
            " (1 is one busy core).",
            "",
            "| query on `published.daily_price` | PostgreSQL | DuckDB over the export | ratio |",
            "|---|---:|---:|---:|",
            *readers,
            "",
            "| statement on the table of bars | one table | partitions by year | ratio |",
            "|---|---:|---:|---:|",
            *partitions,
            "",
        ]
    )
    print_and_write(text, document)


if __name__ == "__main__":
    typer.run(measure_scale)
