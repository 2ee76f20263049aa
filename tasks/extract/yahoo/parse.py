"""Parse a Yahoo history into bars and corporate actions, and undo its split adjustment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.extract.provider.frames import stack_columns
from tasks.extract.yahoo.split_dates import (
    Days,
    Floats,
    corrected_split_dates,
    repeated_splits,
)

BAR_COLUMNS = {
    "ticker": "str",
    "session_date": "datetime64[s]",
    "open": "float64",
    "high": "float64",
    "low": "float64",
    "close": "float64",
    "volume": "Int64",
    "volume_resolution": "float64",
    "removed_split_factor": "float64",
    "source": "str",
}
ACTION_COLUMNS = {
    "ticker": "str",
    "ex_date": "datetime64[s]",
    "kind": "str",
    "value": "float64",
    "currency": "str",
    "listed_date": "datetime64[s]",
    "is_repeated": "bool",
    "source": "str",
}
PROVIDER = "yahoo"
_PRICES = {"Open": "open", "High": "high", "Low": "low", "Close": "close"}
_KINDS = {"Stock Splits": "split", "Dividends": "dividend", "Capital Gains": "capital_gain"}
_DECIMALS = 6


@dataclass(frozen=True)
class History:
    """Hold bars and actions of one ticker: an array per column of the frames.

    A frame per ticker would take longer than its parsing; `to_frames` makes them per batch.
    """

    bars: Mapping[str, NDArray[Any]]
    actions: Mapping[str, NDArray[Any]]

    @property
    def bar_count(self) -> int:
        """Return the number of bars."""
        return len(self.bars["session_date"])

    @property
    def action_count(self) -> int:
        """Return the number of actions."""
        return len(self.actions["ex_date"])


def to_frames(histories: Sequence[History]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the bars and the actions of some tickers, columns as `parse_history` has them."""
    return (
        stack_columns([history.bars for history in histories], BAR_COLUMNS),
        stack_columns([history.actions for history in histories], ACTION_COLUMNS),
    )


def parse_history(
    ticker: str, frame: pd.DataFrame, foreign_currencies: Mapping[date, str] | None = None
) -> History:
    """Return unadjusted bars and actions from one reply of `yf.Ticker(t).history`.

    Yahoo adjusts prices, volumes and dividends of the whole history for every split. The reply
    lists the splits of its own window, and the window runs to today, so the adjustment can be
    undone: a bar is scaled by the product of the splits after its session, a dividend by the
    product of the splits after its ex-date. A split on the same day is already applied.

    yfinance 1.7.0 changes the reply before this function sees it:

    - of several bars of one day it keeps the first, or the last if they end the reply;
    - a null volume becomes 0; if the whole bar is null, this function restores the null;
    - an event on a day without a bar is moved to the bar before it; after the last bar it gets a
      row without prices, which this function does not treat as a bar. A split during a halt
      without bars therefore leaves one bar adjusted, a jump that validation finds;
    - events before the first bar are dropped; the reply is not adjusted for them;
    - several events of one kind and day are merged: dividends summed, splits multiplied.

    Args:
        ticker: Yahoo's symbol.
        frame: The reply to `history(interval="1d", auto_adjust=False, actions=True,
            keepna=True)` of a window that ends after the last event.
        foreign_currencies: Currencies that the reply states for dividends, by ex-date, if not USD.

    Returns:
        Bars: one row per bar sent, including null bars and days without a session: `ticker`,
        `session_date` (naive midnight), `open`, `high`, `low`, `close` (USD per share, unadjusted;
        NaN if null), `volume` (shares, unadjusted; NaN if null), `volume_resolution` (the rounding
        unit of the volume in shares, at least 1: a later reply may differ by as much),
        `removed_split_factor` (the product of later splits, by the corrected dates), `source`.
        Actions: one row per (ex_date, kind): `ticker`, `ex_date`, `kind` (split, dividend,
        capital_gain), `value` (new shares per old share, or money per share as paid), `currency`
        (of a distribution), `listed_date` (Yahoo's date; `ex_date` differs if the prices show that
        a split took effect up to three sessions earlier or later), `is_repeated` (a split listed
        again within a week, which is not undone), `source`.

    Raises:
        ValueError: A split of the reply is not a positive number; the ticker has no usable row.
    """
    days = _to_naive_days(frame.index)
    amounts = _event_amounts(frame)
    events = _list_events(days, amounts)
    ex_dates = np.array([day for day, _, _ in events], dtype="int64").astype("datetime64[s]")
    kinds = np.array([kind for _, kind, _ in events], dtype=object)
    values = np.array([value for _, _, value in events], dtype=float)
    is_split = kinds == "split"
    if not (np.isfinite(values[is_split]) & (values[is_split] > 0)).all():
        raise ValueError(
            f"{ticker}: a split of the reply is not a positive number: {values[is_split].tolist()}"
        )
    is_repeated = np.zeros(len(events), dtype=bool)
    is_repeated[is_split] = repeated_splits(ex_dates[is_split], values[is_split])
    is_undone = is_split & ~is_repeated
    split_days, ratios = ex_dates[is_undone], values[is_undone]
    paid = np.round(values * future_split_factor(ex_dates, split_days, ratios), _DECIMALS)

    prices = {column: _floats(frame, name) for name, column in _PRICES.items()}
    volume = _floats(frame, "Volume")
    is_null = np.logical_and.reduce([np.isnan(sent) for sent in prices.values()])
    has_bar = ~is_null | (np.nan_to_num(volume) != 0)
    is_bar = ~_is_event_without_bar(has_bar, (amounts != 0).any(axis=0))
    days, is_null, volume = days[is_bar], is_null[is_bar], volume[is_bar]
    prices = {column: sent[is_bar] for column, sent in prices.items()}
    corrected = corrected_split_dates(days, prices["open"], prices["close"], split_days, ratios)
    effective_dates = ex_dates.copy()
    effective_dates[is_undone] = corrected
    factor = future_split_factor(days, split_days, ratios)
    order = np.argsort(corrected, kind="stable")
    foreign = {pd.Timestamp(day): name for day, name in (foreign_currencies or {}).items()}
    bars = {
        "ticker": _repeat(ticker, len(days)),
        "session_date": days,
        **{column: np.round(sent * factor, _DECIMALS) for column, sent in prices.items()},
        "volume": np.round(np.where(is_null, np.nan, volume) / factor),
        "volume_resolution": np.maximum(1.0, 1.0 / factor),
        # the rules compare closes across the session on which the split took effect
        "removed_split_factor": future_split_factor(days, corrected[order], ratios[order]),
        "source": _repeat(PROVIDER, len(days)),
    }
    actions = {
        "ticker": _repeat(ticker, len(events)),
        "ex_date": effective_dates,
        "kind": kinds,
        "value": np.where(is_split, values, paid),
        "currency": np.array(
            [
                foreign.get(pd.Timestamp(day, unit="s"), "USD") if kind == "dividend" else "USD"
                for day, kind, _ in events
            ],
            dtype=object,
        ),
        "listed_date": ex_dates,
        "is_repeated": is_repeated,
        "source": _repeat(PROVIDER, len(events)),
    }
    return History(bars, actions)


def future_split_factor(days: Days, split_days: Days, ratios: Floats) -> Floats:
    """Return the product of the splits after each day.

    Args:
        days: Days, in any order.
        split_days: The splits' days, sorted.
        ratios: The splits' values.
    """
    # products[i] is the product of splits i and later; 1 after the last split
    products = np.append(np.cumprod(ratios[::-1])[::-1], 1.0)
    factors: Floats = products[np.searchsorted(split_days, days, side="right")]
    return factors


def _repeat(text: str, count: int) -> NDArray[np.object_]:
    return np.full(count, text, dtype=object)


def _floats(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(float, na_value=np.nan)


def _to_naive_days(index: pd.Index) -> Days:
    days = pd.DatetimeIndex(index).tz_localize(None).normalize().as_unit("s")
    return np.asarray(days.to_numpy())


def _event_amounts(frame: pd.DataFrame) -> Floats:
    """Return one row per kind of event, of the amount on each day; 0 if there is none."""
    amounts = np.zeros((len(_KINDS), len(frame)))
    for number, name in enumerate(_KINDS):
        if name in frame.columns:
            sent = _floats(frame, name)
            amounts[number] = np.where(np.isnan(sent), 0.0, sent)
    return amounts


def _list_events(days: Days, amounts: Floats) -> list[tuple[int, str, float]]:
    """Return day (seconds of the epoch), kind and amount of each event, by day and kind."""
    kinds, stamps = [*_KINDS.values()], days.astype("int64")
    # a day that was sent twice has its event twice
    events = dict.fromkeys(
        (int(stamps[day]), kinds[kind], float(amounts[kind, day]))
        for kind, day in np.argwhere(amounts)
    )
    return sorted(events, key=lambda event: event[:2])


def _is_event_without_bar(
    has_bar: NDArray[np.bool_], has_event: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Mask rows that yfinance adds for events before the first or after the last bar."""
    is_after_first = np.logical_or.accumulate(has_bar)
    is_before_last = np.logical_or.accumulate(has_bar[::-1])[::-1]
    mask: NDArray[np.bool_] = has_event & ~has_bar & ~(is_after_first & is_before_last)
    return mask
