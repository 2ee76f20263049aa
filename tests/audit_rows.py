"""Rows that runs would have left behind, written by hand."""

from warehouse.connect.connections import connect
from warehouse.settings import Settings


def new_run(settings: Settings, clock_at: str | None = None) -> int:
    """Record a run with a logical time; return its id."""
    with connect(settings) as connection:
        row = connection.execute(
            "insert into audit.run (flow, process, clock_at) values ('test', 'test:1', %s)"
            " returning run_id",
            (clock_at,),
        ).fetchone()
    return row[0]


def note_fetch(
    settings: Settings,
    run_id: int,
    dataset: str,
    item: str,
    status: str = "loaded",
    reason: str | None = None,
    day: str | None = None,
    start: str | None = None,
) -> None:
    """Record a fetch of a day, or of a window from its start to that day."""
    with connect(settings) as connection:
        connection.execute(
            "insert into audit.fetch (run_id, source, dataset, item, window_start, window_end,"
            " status, reason, detail, rows, attempts, started_at, finished_at)"
            " values (%s, 'sec', %s, %s, %s, %s, %s, %s, '', 0, 1, now(), clock_timestamp())",
            (run_id, dataset, item, start or day, day, status, reason),
        )


def follow(settings: Settings, *tickers: str) -> None:
    """Makes tickers members of the Russell 2000, without a holdings file."""
    run_id = new_run(settings)
    with connect(settings) as connection:
        for ticker in tickers:
            connection.execute(
                """
                with made as (
                    insert into core.instrument (first_ticker) values (%(ticker)s)
                    returning instrument_id
                ),
                named as (
                    insert into core.ticker (ticker, instrument_id)
                    select %(ticker)s, instrument_id from made
                )
                insert into core.index_membership (
                    index_code, instrument_id, as_of_date, ticker, name, weight_pct,
                    market_value_usd, exchange, fund, known_from, source, loaded_at, run_id
                )
                select 'R2000', instrument_id, '2023-11-17', %(ticker)s, 'a member', 1, 1, 'NYSE',
                    'IWM', '2023-11-20', 'test', now(), %(run_id)s
                from made
                """,
                {"ticker": ticker, "run_id": run_id},
            )


def rename(settings: Settings, former: str, ticker: str, day: str) -> None:
    """Gives what a symbol named another one from a day on."""
    with connect(settings) as connection:
        connection.execute(
            """
            with ended as (
                update core.ticker set valid_to = %(day)s where ticker = %(former)s
                returning instrument_id
            )
            insert into core.ticker (ticker, valid_from, instrument_id)
            select %(ticker)s, %(day)s, instrument_id from ended
            """,
            {"former": former, "ticker": ticker, "day": day},
        )
