"""Total returns of tickers, session by session."""

from collections.abc import Iterable
from datetime import date

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from tasks.derive.rotation.closes import (
    CLOSES,
    CURRENT_INSTRUMENT_SQL,
    dividend_growth,
)
from tasks.derive.rotation.rolling import gross_return
from warehouse.connect import arrow


def read_growth(
    connection: adbc.Connection, tickers: Iterable[str], since: date
) -> dict[str, pl.DataFrame]:
    """Return the growth of each ticker from its previous session, distributions reinvested.

    Args:
        connection: In the transaction of the derivation.
        tickers: Those to read; one without prices is left out.
        since: The first close to read.

    Returns:
        Ticker to `session_date` and `growth` (1 plus the return), in order. The first close read
        has no row; NaN after a distribution of unknown size.
    """
    requested = ", ".join(f"('{ticker}')" for ticker in sorted({*tickers}))
    closes = arrow.read(
        connection,
        f"""
        select ticker, close.session_date, close.close_split_adjusted as close
        from (values {requested}) as requested(ticker)
        cross join lateral (
            {CLOSES.format(ticker="requested.ticker")}
                and price.session_date >= '{since.isoformat()}'
        ) as close
        order by ticker, session_date
        """,
    )
    factors = arrow.read(
        connection,
        f"""
        select ticker, factor.ex_date, 1 / factor.dividend_multiplier as growth
        from (values {requested}) as requested(ticker)
        join derived.adjustment_factor as factor
            on factor.instrument_id = {CURRENT_INSTRUMENT_SQL.format(ticker="requested.ticker")}
        where factor.dividend_multiplier is distinct from 1
            and factor.ex_date >= '{since.isoformat()}'
        order by ticker, ex_date
        """,
    )
    paid = {str(key[0]): rows for key, rows in factors.group_by("ticker")}
    found = {}
    for key, rows in closes.group_by("ticker", maintain_order=True):
        ticker = str(key[0])
        growth = gross_return(rows["close"].to_numpy(), 1)
        if ticker in paid:
            growth = growth * dividend_growth(rows["session_date"], paid[ticker]).to_numpy()
        found[ticker] = (
            rows.select("session_date").with_columns(pl.Series("growth", growth)).slice(1)
        )
    return found
