"""Bars as traded: opens, ranges and volumes around the closes."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deployments.sandbox.market.companies.actions import Prices, to_tick
from deployments.sandbox.market.companies.events import CompanyEvents
from deployments.sandbox.market.companies.universe import Universe
from deployments.sandbox.market.sessions import Days

#: Companies drawn at once; bounds the memory that the temporary columns take.
_BLOCK = 256

BAR_COLUMNS = ("ticker", "session_date", "open", "high", "low", "close", "volume")


def company_bars(
    universe: Universe,
    events: CompanyEvents,
    prices: Prices,
    returns: NDArray[np.float64],
    sessions: Days,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Simulate the daily bars of the companies.

    Returns:
        One row per (ticker, session_date) on which the company was listed and not halted: prices
        in USD on the tick grid, volume in shares, a multiple of 100. The ticker is the one in
        force on that session.
    """
    traded = events.listed(len(sessions)) & ~events.halted
    renamed, since, symbol = events.renamed
    symbols = pl.Series("ticker", [*universe.ticker, symbol])
    jump = np.zeros(returns.shape, dtype=np.bool_)
    for shock in events.shocks:
        jump[shock.session, shock.company] = True
    blocks = []
    for start in range(0, len(universe), _BLOCK):
        cut = slice(start, min(start + _BLOCK, len(universe)))
        columns = _block(universe, events, prices, returns, jump, cut, rng)
        company = np.broadcast_to(np.arange(cut.start, cut.stop), columns["close"].shape).copy()
        if cut.start <= renamed < cut.stop:
            company[since:, renamed - cut.start] = len(universe)
        keep = traded[:, cut].T.ravel()
        day = np.broadcast_to(sessions[:, None], company.shape)
        blocks.append(
            pl.DataFrame(
                {
                    "ticker": symbols.gather(company.T.ravel()[keep]),
                    "session_date": day.T.ravel()[keep],
                    **{name: values.T.ravel()[keep] for name, values in columns.items()},
                }
            )
        )
    return pl.concat(blocks)


def simulate_ohlc(
    close: NDArray[np.float64],
    move: NDArray[np.float64],
    gap: NDArray[np.float64],
    reach: NDArray[np.float64],
    rng: np.random.Generator,
) -> dict[str, NDArray[np.float64]]:
    """Simulate unrounded open, high and low for closes with log return `move`.

    Args:
        close: closing prices.
        move: log return of the session, dividends and splits taken out.
        gap: log return from the adjusted previous close to the open.
        reach: scale of the log distance from the body of the bar to its high and low.
        rng: source of the draws.
    """
    opened = close * np.exp(gap - move)
    up = np.exp(np.abs(rng.standard_normal(close.shape, dtype=np.float32)) * reach)
    down = np.exp(-np.abs(rng.standard_normal(close.shape, dtype=np.float32)) * reach)
    return {
        "open": opened,
        "high": np.maximum(opened, close) * up,
        "low": np.minimum(opened, close) * down,
    }


def _block(
    universe: Universe,
    events: CompanyEvents,
    prices: Prices,
    returns: NDArray[np.float64],
    jump: NDArray[np.bool_],
    cut: slice,
    rng: np.random.Generator,
) -> dict[str, NDArray[np.float64] | NDArray[np.int64]]:
    exact, close, move = prices.exact[:, cut], prices.close[:, cut], returns[:, cut]
    own = universe.idiosyncratic[cut]
    noise = np.clip(rng.standard_normal(exact.shape, dtype=np.float32), -3, 3)
    gap = np.where(jump[:, cut], 0.9 * move, 0.3 * move + 0.3 * own * noise)
    # After a bid a share hardly moves, so its range shrinks too.
    reach = np.minimum(0.45 * own, 0.0015 + 0.8 * np.abs(move))
    bar = {
        name: to_tick(each) for name, each in simulate_ohlc(exact, move, gap, reach, rng).items()
    }
    busy = 1 + 0.7 * np.minimum(np.abs(move) / own, 12)
    draw = np.exp(0.35 * rng.standard_normal(exact.shape, dtype=np.float32))
    shares = prices.shares[:, cut] * (
        universe.cap[cut] / prices.exact[events.first[cut], _own(cut)]
    )
    volume = np.maximum(np.rint(shares * universe.turnover[cut] * busy * draw / 100), 1) * 100
    quiet = events.quiet[:, cut]
    for name in ("open", "high", "low"):
        bar[name] = np.where(quiet, close, bar[name])
    bar["high"] = np.maximum.reduce([bar["high"], bar["open"], close])
    bar["low"] = np.minimum.reduce([bar["low"], bar["open"], close])
    return {**bar, "close": close, "volume": np.where(quiet, 0, volume).astype(np.int64)}


def _own(cut: slice) -> NDArray[np.int64]:
    return np.arange(cut.start, cut.stop)
