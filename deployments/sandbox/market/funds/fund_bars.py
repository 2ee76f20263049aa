"""Bars and distributions of the funds, and bars of the indexes."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deployments.sandbox.market.funds.funds import FundPortfolio
from deployments.sandbox.market.prices.bars import simulate_ohlc
from deployments.sandbox.market.sessions import Days

#: Price indexes: symbol, name, the fund whose shares they measure, level on the last session.
INDEXES = (
    ("^RUT", "Russell 2000", "IWM", 2646.7),
    ("^GSPC", "S&P 500", "IVV", 6836.2),
)
VOLATILITY_INDEX = ("^VIX", "CBOE Volatility Index")


def fund_bars(book: FundPortfolio, sessions: Days, rng: np.random.Generator) -> pl.DataFrame:
    """Return the bars of one fund; the close is its rounded net asset value."""
    value = book.value
    before = np.concatenate([value[:1], value[:-1]]) - book.distribution - book.capital_gain
    move = np.log(value / before)
    gap = 0.4 * move + 0.001 * rng.standard_normal(len(move))
    busy = np.exp(0.25 * rng.standard_normal(len(move))) * (1 + 15 * np.abs(move))
    volume = np.rint(book.fund.volume * busy / 100).astype(np.int64) * 100
    reach = np.full(len(move), 0.003)
    return _frame(book.fund.ticker, sessions, value, move, gap, reach, volume, rng)


def index_bars(
    symbol: str, level: NDArray[np.float64], sessions: Days, rng: np.random.Generator
) -> pl.DataFrame:
    """Return the bars of an index, with volume 0."""
    move = np.log(level / np.concatenate([level[:1], level[:-1]]))
    gap = 0.4 * move + 0.001 * rng.standard_normal(len(move))
    reach = 0.002 + 0.2 * np.abs(move)
    volume = np.zeros(len(level), dtype=np.int64)
    return _frame(symbol, sessions, level, move, gap, reach, volume, rng)


def fund_actions(book: FundPortfolio, sessions: Days) -> pl.DataFrame:
    """Return the distributions of one fund: ticker, ex_date, kind, value (USD per share)."""
    parts = [
        pl.DataFrame({"ex_date": sessions[amount > 0], "value": amount[amount > 0]}).select(
            pl.lit(book.fund.ticker).alias("ticker"),
            "ex_date",
            pl.lit(kind).alias("kind"),
            "value",
        )
        for kind, amount in (
            ("dividend", np.round(book.distribution, 6)),
            ("capital_gain", book.capital_gain),
        )
    ]
    return pl.concat(parts)


def _frame(
    ticker: str,
    sessions: Days,
    close: NDArray[np.float64],
    move: NDArray[np.float64],
    gap: NDArray[np.float64],
    reach: NDArray[np.float64],
    volume: NDArray[np.int64],
    rng: np.random.Generator,
) -> pl.DataFrame:
    bar = {
        name: np.round(each, 2)
        for name, each in simulate_ohlc(close, move, gap, reach, rng).items()
    }
    last = np.round(close, 2)
    bar["high"] = np.maximum.reduce([bar["high"], bar["open"], last])
    bar["low"] = np.minimum.reduce([bar["low"], bar["open"], last])
    frame = pl.DataFrame({"session_date": sessions, **bar, "close": last, "volume": volume})
    return frame.select(pl.lit(ticker).alias("ticker"), pl.all())
