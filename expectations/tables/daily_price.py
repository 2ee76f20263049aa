"""Daily bars of shares, funds and indexes, as traded: one row per (ticker, session_date).

As traded means that the splits which the vendor's history is restated for have been undone, so a
row never changes with the day it was fetched. Steps between closes are judged in `price_levels`.
"""

from datetime import datetime

import pandas as pd

from expectations.calendars.trading import session_close_times
from expectations.contract import IS_QUARANTINED, Column, Contract, Rule, flag_rule
from expectations.rules.duplicates import duplicate_rows
from expectations.rules.price_anomalies import LEVEL_RULES, flag_price_anomalies

PRICES = ("open", "high", "low", "close")
KEY = ("ticker", "session_date")

# The vendor's prices are single precision: 24 bits, a relative step of 1.2e-7. A restatement for
# a split and its undoing may cost a step each way, and the held value has its own: four steps. The
# extraction keeps six decimals, so that a price near half a unit may fall on either side.
PRICE_EQUAL_SQL = "abs(new.{0} - old.{0}) <= greatest(abs(old.{0}) * 4.8e-7, 1.5e-6)"

# After a reverse split the vendor's restated volume is known only to its rounding, and the
# extraction says to how many shares.
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

RULES = (
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
        # The dearest share, Berkshire's A, has stayed below one million dollars.
        "price_implausible",
        "a price is above five million dollars, which no share has cost",
        "ExpectColumnValuesToBeBetween",
        {"column": "highest_price", "max_value": 5_000_000},
    ),
    Rule(
        # Single precision, restated and undone, leaves ten times less than this between prices
        # that were equal.
        "ohlc_order",
        "high is not the highest of the four prices, or low not the lowest",
        "ExpectColumnValuesToBeBetween",
        {"column": "ohlc_violation", "max_value": 1e-6},
    ),
    Rule(
        "volume_negative",
        "fewer than no shares traded",
        "ExpectColumnValuesToBeBetween",
        {"column": "volume", "min_value": 0},
    ),
    flag_rule("is_closed_day", "not_a_session", "the exchange was closed on this date"),
    flag_rule(
        "is_unfinished",
        "unfinished_session",
        "the session had not closed when the row was checked (16:00 New York, 13:00 on half"
        " days): the bar may still change, or has been made up",
    ),
    flag_rule(
        "is_surplus",
        "duplicate_bar",
        "the reply has several bars for this session: repeats of one that was kept, or bars"
        " that differ, of which nobody knows the right one",
    ),
    *LEVEL_RULES,
    Rule(
        # Quiet shares repeat a close for a few sessions; ten in a row with trades is a feed that
        # repeats itself, or an offer at a fixed price.
        "stale_price",
        "the close has been the same for ten sessions or more, though shares traded",
        "ExpectColumnValuesToBeBetween",
        {"column": "unchanged_sessions", "max_value": 9},
        "warn",
    ),
    Rule(
        # A vendor's usual share of bad rows is far below one in a thousand.
        "quarantined_share",
        "more than five percent of the batch were set aside",
        "ExpectColumnValuesToBeInSet",
        {"column": IS_QUARANTINED, "value_set": [False], "mostly": 0.95},
        "warn",
    ),
)


def add_context(
    frame: pd.DataFrame, now: datetime, held: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Write into extracted bars what the rules must know beside them.

    Args:
        frame: Bars as extracted.
        now: The instant of the check, with a time zone.
        held: What the warehouse holds for these tickers: `ticker, session_date, close`.
    """
    out = frame.assign(checked_at=pd.Timestamp(now).tz_convert("UTC"))
    if held is None or held.empty:
        return out.assign(held_close=float("nan"))
    closes = held.assign(session_date=pd.to_datetime(held["session_date"])).set_index([*KEY])
    keys = pd.MultiIndex.from_arrays([out["ticker"], pd.to_datetime(out["session_date"])])
    return out.assign(held_close=closes["close"].astype(float).reindex(keys).to_numpy())


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add what the rules look at."""
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
    out["is_surplus"] = duplicate_rows(frame, KEY, (*PRICES, "volume"))

    is_usable = (out["missing_prices"] == 0) & (out["lowest_price"] > 0) & ~out["is_surplus"]
    is_usable &= ~out["is_closed_day"] & ~out["is_unfinished"]
    bars = frame[is_usable].sort_values([*KEY])
    marks = flag_price_anomalies(bars).reindex(frame.index, fill_value=False)
    # A restatement is a matter of the ticker: no row of it can be trusted.
    restated = frame.loc[marks["is_restated"], "ticker"].unique()
    marks["is_restated"] = frame["ticker"].isin(restated)
    out["unchanged_sessions"] = _unchanged(bars).reindex(frame.index, fill_value=0)
    return out.join(marks)


def _unchanged(bars: pd.DataFrame) -> pd.Series:
    """For how many traded sessions in a row each close has been the same."""
    last = bars.groupby("ticker")["close"].shift()
    is_same = (bars["close"] == last) & (bars["volume"].fillna(0) > 0)
    return is_same.groupby((~is_same).cumsum()).cumsum().astype(int)


CONTRACT = Contract(
    table="daily_price",
    schema="core",
    grain="one row per (instrument_id, session_date)",
    source=(
        "Yahoo's chart endpoint through yfinance, after the session's close; the vendor restates"
        " its whole history on every split, which the extraction undoes"
    ),
    key=("instrument_id", "session_date"),
    natural_key=KEY,
    columns=COLUMNS,
    extra_staged_columns=(
        Column("volume_resolution", "double precision", "shares to which volume is known"),
    ),
    dirty_from="min(session_date)",
    context_columns=("removed_split_factor", "held_close", "checked_at"),
    rules=RULES,
    add_rule_columns=annotate,
)
