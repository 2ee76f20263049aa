"""Splits and distributions: one row per (ticker, ex_date, kind)."""

from datetime import datetime

import numpy as np
import pandas as pd

from expectations.contract import Column, Contract, Rule, no_row_is
from expectations.repeats import surplus_rows
from expectations.sessions import closes_of

KEY = ("ticker", "ex_date", "kind")
KINDS = ("split", "dividend", "capital_gain")

# Distributions this large move the price by as much on the ex-date, whatever the market does.
LARGE_DISTRIBUTION = 0.15
# The open then falls by the distribution and the night's news; a third of it leaves room for that.
LEAST_FALL = 1 / 3

COLUMNS = (
    Column("instrument_id", "integer", "identifier of core.instrument"),
    Column("ex_date", "date", "first XNYS session without the right"),
    Column("kind", "text", "split, dividend or capital_gain"),
    Column(
        "value",
        "double precision",
        "split: new shares per old share; otherwise USD per share as paid",
        # Single precision at the vendor, and split-adjusted there: undone like the prices are.
        same_if="abs(new.value - old.value) <= greatest(abs(old.value) * 4.8e-7, 1.5e-6)",
    ),
    Column("source", "text", "provider"),
)

RULES = (
    Rule(
        "kind_unknown",
        "neither a split nor a dividend nor a capital gain",
        "ExpectColumnValuesToBeInSet",
        {"column": "kind", "value_set": [*KINDS]},
    ),
    Rule(
        "value_missing",
        "the action has no ratio or amount",
        "ExpectColumnValuesToNotBeNull",
        {"column": "value"},
    ),
    Rule(
        "value_not_positive",
        "a ratio or an amount of zero or less",
        "ExpectColumnValuesToBeBetween",
        {"column": "value", "min_value": 0, "strict_min": True},
    ),
    Rule(
        # Consolidations of one for 10,000 have happened; no share has been cut in a thousand.
        "split_ratio_implausible",
        "a split of more than 1,000 for one or less than one for 20,000",
        "ExpectColumnValuesToBeBetween",
        {"column": "split_ratio", "min_value": 1 / 20_000, "max_value": 1_000},
    ),
    Rule(
        "split_changes_nothing",
        "a split of one for one",
        "ExpectColumnValuesToNotBeInSet",
        {"column": "split_ratio", "value_set": [1.0]},
    ),
    no_row_is(
        "is_future", "ex_date_in_future", "the ex-date is after the day of the check in New York"
    ),
    no_row_is(
        # Scaling earlier prices by 1 - distribution / close would turn them to zero or below.
        "is_above_close",
        "distribution_exceeds_close",
        "the distribution is at least the whole close before it: another unit, or an amount"
        " restated for a split that the vendor does not list",
    ),
    no_row_is(
        "is_not_in_price",
        "distribution_not_in_price",
        "a distribution above 15 percent of the close before it, while the open of the ex-date"
        " fell by less than a third of it: not paid in this amount or not on this date",
    ),
    no_row_is(
        "is_surplus",
        "duplicate_action",
        "the reply has several such actions for this date: repeats of one that was kept, or"
        " values that differ, of which nobody knows the right one",
    ),
    no_row_is(
        "is_closed_day", "ex_date_not_a_session", "the exchange was closed on the ex-date", "warn"
    ),
    no_row_is(
        # Yahoo's dividend of a fund often includes the capital gain it lists beside (DODFX).
        "is_beside_gain",
        "gain_counted_twice",
        "a dividend at least as large as the capital gain of the same date: it may include it",
        "warn",
    ),
)


def with_context(
    frame: pd.DataFrame, now: datetime, bars: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Write into extracted actions what the rules must know beside them.

    Args:
        frame: Actions as extracted.
        now: The instant of the check, with a time zone.
        bars: Bars as traded of the same reply: `ticker, session_date, open, close`; best the good
            ones only. Where they do not reach back before an ex-date, or a split goes ex on the
            same date, nothing is known of the close before.
    """
    out = frame.assign(
        checked_at=pd.Timestamp(now).tz_convert("UTC"), previous_close=np.nan, ex_open=np.nan
    )
    if bars is None or bars.empty or frame.empty:
        return out
    dates = pd.to_datetime(frame["ex_date"])
    sides = pd.DataFrame({"ticker": frame["ticker"], "on": dates.astype("datetime64[ns]")})
    sides["row"] = np.arange(len(sides))
    known = pd.DataFrame(
        {
            "ticker": bars["ticker"],
            "on": pd.to_datetime(bars["session_date"]).astype("datetime64[ns]"),
            "close": bars["close"].astype(float),
            "ex_open": bars["open"].astype(float),
        }
    ).sort_values("on", kind="stable")
    known = known.drop_duplicates(["ticker", "on"])
    before = pd.merge_asof(
        sides.sort_values("on"), known[["ticker", "on", "close"]], on="on", by="ticker",
        allow_exact_matches=False, tolerance=pd.Timedelta(days=10),
    ).sort_values("row")  # fmt: skip
    opens = sides.merge(known[["ticker", "on", "ex_open"]], how="left", on=["ticker", "on"])
    splits = pd.MultiIndex.from_frame(sides[frame["kind"].to_numpy() == "split"][["ticker", "on"]])
    is_split_too = pd.MultiIndex.from_frame(sides[["ticker", "on"]]).isin(splits)
    out["previous_close"] = np.where(is_split_too, np.nan, before["close"].to_numpy())
    out["ex_open"] = opens["ex_open"].to_numpy()
    return out


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add what the rules look at."""
    out = frame.copy()
    value = frame["value"].astype(float)
    is_split = frame["kind"] == "split"
    out["split_ratio"] = value.where(is_split)
    share = (value / frame["previous_close"]).where(~is_split)
    fall = 1.0 - frame["ex_open"] / frame["previous_close"]
    out["is_above_close"] = share >= 1.0
    out["is_not_in_price"] = (share > LARGE_DISTRIBUTION) & (fall < LEAST_FALL * share)
    dates = pd.to_datetime(frame["ex_date"])
    today = frame["checked_at"].dt.tz_convert("America/New_York").dt.tz_localize(None)
    out["is_future"] = dates > today.dt.normalize()
    out["is_closed_day"] = closes_of(frame["ex_date"]).isna()
    out["is_surplus"] = surplus_rows(frame, KEY, ("value",))
    gains = frame.assign(gain=value.where(frame["kind"] == "capital_gain"))
    gain = gains.groupby(["ticker", "ex_date"])["gain"].transform("max")
    out["is_beside_gain"] = (frame["kind"] == "dividend") & (value >= gain)
    return out


CONTRACT = Contract(
    table="corporate_action",
    schema="core",
    grain="one row per (instrument_id, ex_date, kind)",
    source=(
        "Yahoo's chart endpoint, in the same reply as the bars; listed from the ex-date's"
        " session on, dividends restated for later splits, which the extraction undoes"
    ),
    key=("instrument_id", "ex_date", "kind"),
    natural_key=KEY,
    columns=COLUMNS,
    # A split restates every earlier close in today's shares; a distribution changes returns only
    # over windows that its ex-date is in.
    change_from="case when bool_or(kind = 'split') then date '1900-01-01' else min(ex_date) end",
    context_columns=("previous_close", "ex_open", "checked_at"),
    rules=RULES,
    annotate=annotate,
)
