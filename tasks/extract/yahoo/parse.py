"""Parse a Yahoo history into bars and corporate actions, and undo its split adjustment."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from tasks.extract.yahoo.split_dates import corrected_split_dates, repeated_splits

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


def parse_history(
    ticker: str, frame: pd.DataFrame, foreign_currencies: Mapping[date, str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
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
        Two frames. Bars: one row per bar sent, including null bars and days without a session:
        `ticker`, `session_date` (naive midnight), `open`, `high`, `low`, `close` (USD per share,
        unadjusted; NaN if null), `volume` (shares, unadjusted, Int64), `volume_resolution` (the
        rounding unit of the volume in shares, at least 1: a later reply may differ by as much),
        `removed_split_factor` (the product of later splits, by the corrected dates), `source`.
        Actions: one row per (ex_date, kind): `ticker`, `ex_date`, `kind` (split, dividend,
        capital_gain), `value` (new shares per old share, or money per share as paid), `currency`
        (of a distribution), `listed_date` (Yahoo's date; `ex_date` differs if the prices show that
        a split took effect up to three sessions earlier or later), `is_repeated` (a split listed
        again within a week, which is not undone), `source`.

    Raises:
        ValueError: A split of the reply is not a positive number; the ticker has no usable row.
    """
    frame = frame.set_axis(_to_naive_dates(frame.index))
    actions = _list_events(frame)
    splits = actions.loc[actions["kind"] == "split"].sort_values("ex_date")
    if not (np.isfinite(splits["value"]) & (splits["value"] > 0)).all():
        raise ValueError(f"{ticker}: a split of the reply is not a positive number: {splits}")
    repeated = repeated_splits(splits)
    actions["is_repeated"] = actions.index.isin(splits.index[repeated])
    splits = splits.loc[~repeated]
    is_paid = actions["kind"] != "split"
    foreign = {pd.Timestamp(day): currency for day, currency in (foreign_currencies or {}).items()}
    is_dividend = actions["kind"] == "dividend"
    actions["currency"] = [
        foreign.get(day, "USD") if is_foreign else "USD"
        for day, is_foreign in zip(actions["ex_date"], is_dividend, strict=True)
    ]
    factors = future_split_factor(actions["ex_date"], splits)
    actions["value"] = actions["value"].where(
        ~is_paid, (actions["value"] * factors).round(_DECIMALS)
    )
    sent = frame.loc[~_is_event_without_bar(frame)]
    actions["listed_date"] = actions["ex_date"]
    prices = sent.rename(columns=_PRICES).reset_index()
    corrected = splits.assign(ex_date=corrected_split_dates(prices, splits))
    actions.loc[splits.index, "ex_date"] = corrected["ex_date"]
    bars = _unadjust_bars(sent, splits)
    # the rules compare closes across the session on which the split took effect
    bars["removed_split_factor"] = future_split_factor(
        bars["session_date"], corrected.sort_values("ex_date")
    )
    return (
        bars.assign(ticker=ticker, source=PROVIDER)[list(BAR_COLUMNS)].astype(BAR_COLUMNS),
        actions.assign(ticker=ticker, source=PROVIDER)[list(ACTION_COLUMNS)].astype(ACTION_COLUMNS),
    )


def future_split_factor(days: pd.Series, splits: pd.DataFrame) -> np.ndarray:
    """Return the product of the splits after each day.

    Args:
        days: Days, in any order.
        splits: `ex_date` and `value`, sorted by `ex_date`.
    """
    # products[i] is the product of splits i and later; 1 after the last split
    products = np.append(np.cumprod(splits["value"].to_numpy(float)[::-1])[::-1], 1.0)
    return products[np.searchsorted(splits["ex_date"].to_numpy(), days.to_numpy(), side="right")]


def _to_naive_dates(index: pd.Index) -> pd.DatetimeIndex:
    days = pd.DatetimeIndex(index)
    return days.tz_localize(None).normalize().as_unit("s").rename("session_date")


def _list_events(frame: pd.DataFrame) -> pd.DataFrame:
    columns = [name for name in _KINDS if name in frame.columns]
    # few days have an event, so they are selected before a frame is made of them
    amounts = frame[columns].to_numpy(float, na_value=np.nan)
    kind, day = np.nonzero(np.nan_to_num(amounts).T)
    events = pd.DataFrame(
        {
            "ex_date": frame.index[day],
            "kind": pd.Series([_KINDS[columns[each]] for each in kind], dtype="str"),
            "value": amounts[day, kind],
        }
    )
    # a day that was sent twice has its event twice
    return events.drop_duplicates().sort_values(["ex_date", "kind"], ignore_index=True)


def _is_event_without_bar(frame: pd.DataFrame) -> np.ndarray:
    """Mask rows that yfinance adds for events before the first or after the last bar."""
    prices, volume, events = (
        frame[names].to_numpy(float, na_value=np.nan)
        for names in (list(_PRICES), "Volume", [name for name in _KINDS if name in frame.columns])
    )
    has_bar = ~np.isnan(prices).all(axis=1) | (np.nan_to_num(volume) != 0)
    has_event = (np.nan_to_num(events) != 0).any(axis=1)
    is_after_first = np.logical_or.accumulate(has_bar)
    is_before_last = np.logical_or.accumulate(has_bar[::-1])[::-1]
    mask: np.ndarray = has_event & ~has_bar & ~(is_after_first & is_before_last)
    return mask


def _unadjust_bars(frame: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    bars = frame.rename(columns=_PRICES)[list(_PRICES.values())].astype("float64")
    bars["volume"] = frame["Volume"].astype("float64").where(bars.notna().any(axis=1))
    bars = bars.reset_index()
    factor = future_split_factor(bars["session_date"], splits)
    for name in _PRICES.values():
        bars[name] = (bars[name] * factor).round(_DECIMALS)
    bars["volume"] = (bars["volume"] / factor).round().astype("Int64")
    bars["volume_resolution"] = np.maximum(1.0, 1.0 / factor)
    return bars
