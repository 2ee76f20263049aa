"""Closes and distributions of a ticker: those of its instrument, under all its former tickers."""

import numpy as np
import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from warehouse.connect import arrow

# A leg is the instrument that has the ticker now, under all its former tickers. When a ticker moves
# to another instrument, the whole history of the pair changes.
CHANGED_TICKERS_SQL = """
select
    ticker.ticker as subject,
    case
        when change.from_date > ticker.valid_from or ticker.valid_from = '-infinity'
            then change.from_date
        else date '0001-01-01'
    end as first_date
from change join core.ticker as ticker using (instrument_id)
"""
CURRENT_INSTRUMENT_SQL = """(
    select instrument_id from core.ticker_instrument
    where ticker_instrument.ticker = {ticker} and counts_to = 'infinity'
)"""
CLOSES = f"""
    select price.session_date, price.close_split_adjusted
    from core.ticker as name
    join published.daily_price as price on price.ticker = name.ticker
        and name.valid_from <= price.session_date and price.session_date < name.valid_to
    where name.instrument_id = {CURRENT_INSTRUMENT_SQL}
"""
INPUTS = {"daily_price": CHANGED_TICKERS_SQL, "corporate_action": CHANGED_TICKERS_SQL}


def read_dividend_factors(connection: adbc.Connection, ticker: str) -> pl.DataFrame:
    """Return the growth of a holding by reinvested cash: `ex_date`, `growth` over 1.

    Null where the amount is unknown.
    """
    return arrow.read(
        connection,
        f"""
        select factor.ex_date, 1 / factor.dividend_multiplier as growth
        from derived.adjustment_factor as factor
        where factor.instrument_id = {CURRENT_INSTRUMENT_SQL.format(ticker="$1")}
            and factor.dividend_multiplier is distinct from 1
        order by factor.ex_date
        """,
        (ticker,),
    )


def dividend_growth(sessions: pl.Series, growth: pl.DataFrame) -> pl.Series:
    """Return the growth by ex-dates after the previous session up to each; 1 without any."""
    factors = np.ones(len(sessions))
    # an ex-date on which the pair did not trade counts on the next session
    at = sessions.search_sorted(growth["ex_date"], side="left").to_numpy()
    for position, factor in zip(at, growth["growth"], strict=True):
        if position < len(factors):
            factors[position] *= np.nan if factor is None else factor
    return pl.Series(factors)
