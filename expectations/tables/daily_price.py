"""Daily bars of shares, funds and indexes, unadjusted: one row per (ticker, session_date).

The extraction undoes the vendor's split adjustments, so a row does not depend on the day of its
fetch. `rules.price_anomalies` checks jumps between closes.
"""

from datetime import datetime

import pandas as pd
import polars as pl

from expectations.calendars.trading import session_close_times
from expectations.contract import IS_QUARANTINED, Column, Contract, Rule, flag_rule
from expectations.rules.duplicates import duplicate_rows
from expectations.rules.price_anomalies import LEVEL_RULES, flag_price_anomalies

PRICES = ("open", "high", "low", "close")
KEY = ("ticker", "session_date")

# Yahoo's prices have single precision: 24 bits, a relative step of 1.2e-7. Adjusting for a split
# and undoing it may each cost a step, also in the stored value: four steps. The extraction rounds
# to six decimals, so a price near half a unit may round either way.
PRICE_EQUAL_SQL = "abs(new.{0} - old.{0}) <= greatest(abs(old.{0}) * 4.8e-7, 1.5e-6)"

# After a reverse split the vendor's adjusted volume is rounded; the extraction adds the number of
# shares to which it is exact.
SAME_VOLUME = "abs(new.volume - old.volume) <= new.volume_resolution"

COLUMNS = (
    Column("instrument_id", "integer", "identifier of core.instrument"),
    Column("session_date", "date", "XNYS session"),
    *(
        Column(name, "double precision", "USD as traded", equal_when=PRICE_EQUAL_SQL.format(name))
        for name in PRICES
    ),
    Column(
        "volume",
        "bigint",
        "shares as traded; 0 for indexes, which are not traded",
        null_means="the vendor sent prices without a volume",
        equal_when=SAME_VOLUME,
    ),
    Column("source", "text", "provider"),
)

# each looks at one row, or at the rows of one key
ROW_RULES = (
    Rule(
        "price_missing",
        "open, high, low or close is missing",
        "ExpectColumnValuesToBeBetween",
        {"column": "missing_prices", "max_value": 0},
    ),
    Rule(
        "price_not_positive",
        "a price is zero or negative",
        "ExpectColumnValuesToBeBetween",
        {"column": "lowest_price", "min_value": 0, "strict_min": True},
    ),
    Rule(
        # The most expensive share, Berkshire's class A, has stayed below one million USD.
        "price_implausible",
        "a price is above 5 million USD",
        "ExpectColumnValuesToBeBetween",
        {"column": "highest_price", "max_value": 5_000_000},
    ),
    Rule(
        # Equal prices differ by less than a tenth of this after adjusting and undoing a split in
        # single precision.
        "ohlc_order",
        "high is not the highest of the four prices, or low is not the lowest",
        "ExpectColumnValuesToBeBetween",
        {"column": "ohlc_violation", "max_value": 1e-6},
    ),
    Rule(
        "volume_negative",
        "the volume is negative",
        "ExpectColumnValuesToBeBetween",
        {"column": "volume", "min_value": 0},
    ),
    flag_rule("is_closed_day", "not_a_session", "the exchange had no session on this date"),
    flag_rule(
        "is_unfinished",
        "unfinished_session",
        "the session had not closed when the row was checked (16:00 in New York, 13:00 on half"
        " days), so the bar may still change",
    ),
    flag_rule(
        "is_duplicate",
        "duplicate_bar",
        "the reply has several bars for this session: duplicates of a loaded one, or conflicting"
        " ones, of which none is loaded",
    ),
)
RULES = (
    *ROW_RULES,
    *LEVEL_RULES,
    Rule(
        # Quiet shares repeat a close for a few sessions; ten in a row with trades are a stuck feed
        # or a tender offer at a fixed price.
        "stale_price",
        "the close has been the same for ten or more sessions with trades",
        "ExpectColumnValuesToBeBetween",
        {"column": "unchanged_sessions", "max_value": 9},
        "warn",
    ),
    Rule(
        # The vendor's usual rate of bad rows is far below 0.1%.
        "quarantined_share",
        "more than 5 percent of the batch are quarantined",
        "ExpectColumnValuesToBeInSet",
        {"column": IS_QUARANTINED, "value_set": [False], "mostly": 0.95},
        "warn",
    ),
)


def add_context(
    frame: pd.DataFrame, now: datetime, stored: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Add the time of the check and the stored closes to extracted bars.

    Args:
        frame: Bars as extracted.
        now: The time of the check, with a time zone.
        stored: Stored closes of these tickers: `ticker, session_date, close`.
    """
    out = frame.assign(checked_at=pd.Timestamp(now).tz_convert("UTC"))
    if stored is None or stored.empty:
        return out.assign(stored_close=float("nan"))
    closes = stored.assign(session_date=pd.to_datetime(stored["session_date"])).set_index([*KEY])
    keys = pd.MultiIndex.from_arrays([out["ticker"], pd.to_datetime(out["session_date"])])
    return out.assign(stored_close=closes["close"].astype(float).reindex(keys).to_numpy())


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = annotate_rows(frame)
    is_usable = (out["missing_prices"] == 0) & (out["lowest_price"] > 0) & ~out["is_duplicate"]
    is_usable &= ~out["is_closed_day"] & ~out["is_unfinished"]
    bars = frame[is_usable].sort_values([*KEY])
    flags = flag_price_anomalies(bars).reindex(frame.index, fill_value=False)
    # an adjustment without a listed split makes all rows of the ticker unreliable
    adjusted = frame.loc[flags["is_adjusted_without_split"], "ticker"].unique()
    flags["is_adjusted_without_split"] = frame["ticker"].isin(adjusted)
    out["unchanged_sessions"] = _unchanged_sessions(bars).reindex(frame.index, fill_value=0)
    return out.join(flags)


def annotate_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that `ROW_RULES` check."""
    out = frame.copy()
    prices = frame[[*PRICES]].astype(float)
    out["missing_prices"] = prices.isna().sum(axis=1)
    out["lowest_price"] = prices.min(axis=1)
    out["highest_price"] = prices.max(axis=1)
    over, under = prices["high"] / out["highest_price"], out["lowest_price"] / prices["low"]
    out["ohlc_violation"] = 1.0 - pd.concat([over, under], axis=1).min(axis=1)

    closed_at = session_close_times(frame["session_date"])
    out["is_closed_day"] = closed_at.isna()
    midnight = pd.to_datetime(frame["session_date"]).dt.tz_localize("UTC")
    out["is_unfinished"] = closed_at.fillna(midnight) > frame["checked_at"]
    out["is_duplicate"] = duplicate_rows(frame, KEY, (*PRICES, "volume"))
    return out


def _unchanged_sessions(bars: pd.DataFrame) -> pd.Series:
    """Count the consecutive traded sessions on which each close is unchanged."""
    last = bars.groupby("ticker")["close"].shift()
    is_same = (bars["close"] == last) & (bars["volume"].fillna(0) > 0)
    return is_same.groupby((~is_same).cumsum()).cumsum().astype(int)


CONTRACT = Contract(
    table="daily_price",
    schema="core",
    grain="one row per (instrument_id, session_date)",
    source=(
        "Yahoo's chart endpoint through yfinance, after the session's close; the vendor adjusts its"
        " whole history on every split, which the extraction undoes"
    ),
    key=("instrument_id", "session_date"),
    natural_key=KEY,
    columns=COLUMNS,
    comparison_columns=(
        Column("volume_resolution", "double precision", "shares to which volume is exact"),
    ),
    # an exact match of bars reveals a rename, which moves the rows stored under the new ticker
    identity_columns=("close", "volume"),
    also_locked=("core.corporate_action", "core.index_membership", "core.company_ticker"),
    dirty_from=pl.col("session_date").min(),
    context_columns=("removed_split_factor", "stored_close", "checked_at"),
    shard_column="ticker",
    rules=RULES,
    add_rule_columns=annotate,
)
