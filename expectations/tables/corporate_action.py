"""Splits and distributions: one row per (ticker, ex_date, kind)."""

from datetime import datetime

import numpy as np
import pandas as pd

from expectations.calendars.trading import session_close_times
from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.duplicates import duplicate_rows

KEY = ("ticker", "ex_date", "kind")
BAR_COLUMNS = ["ticker", "session_date", "open", "close"]
KINDS = ("split", "dividend", "capital_gain")

# Distributions this large move the price by as much on the ex-date, whatever the market does.
LARGE_DISTRIBUTION = 0.15
# The open then falls by the distribution and the night's news; a third of it leaves room for that.
MIN_EX_DATE_DROP_SHARE = 1 / 3

COLUMNS = (
    Column("instrument_id", "integer", "identifier of core.instrument"),
    Column("ex_date", "date", "first XNYS session without the right"),
    Column("kind", "text", "split, dividend or capital_gain"),
    Column(
        "value",
        "double precision",
        "split: new shares per old share; otherwise USD per share as paid",
        # Single precision at the vendor, and split-adjusted there: undone like the prices are.
        null_means="the vendor lists a distribution, and validation did not believe its amount",
        equal_when="abs(new.value - old.value) <= greatest(abs(old.value) * 4.8e-7, 1.5e-6)",
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
    flag_rule(
        "is_future", "ex_date_in_future", "the ex-date is after the day of the check in New York"
    ),
    flag_rule(
        # Scaling earlier prices by 1 - distribution / close would turn them to zero or below.
        "is_above_close",
        "distribution_exceeds_close",
        "the distribution is at least the whole close before it: another unit, or an amount"
        " restated for a split that the vendor does not list",
        blanks="value",
    ),
    flag_rule(
        "is_not_in_price",
        "distribution_not_in_price",
        "a distribution above 15 percent of the close before it, while the open of the ex-date"
        " fell by less than a third of it: not paid in this amount or not on this date",
        blanks="value",
    ),
    flag_rule(
        "is_surplus",
        "duplicate_action",
        "the reply has several such actions for this date: repeats of one that was kept, or"
        " values that differ, of which nobody knows the right one",
    ),
    flag_rule(
        "is_closed_day", "ex_date_not_a_session", "the exchange was closed on the ex-date", "warn"
    ),
    flag_rule(
        # Yahoo's dividend of a fund often includes the capital gain it lists beside (DODFX).
        "is_beside_gain",
        "gain_counted_twice",
        "a dividend at least as large as the capital gain of the same date: it may include it",
        "warn",
    ),
)


def with_context(
    frame: pd.DataFrame,
    now: datetime,
    bars: pd.DataFrame | None = None,
    held: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Write into extracted actions what the rules must know beside them.

    Args:
        frame: Actions as extracted.
        now: The instant of the check, with a time zone.
        bars: Bars as traded of the same reply: `ticker, session_date, open, close`; best the good
            ones only.
        held: Closes that the warehouse holds: `ticker, session_date, close`. A reply that begins
            on an ex-date does not have the close before it; the warehouse has.
    """
    out = frame.assign(
        checked_at=pd.Timestamp(now).tz_convert("UTC"), previous_close=np.nan, ex_open=np.nan
    )
    parts = [part for part in (bars, held) if part is not None and not part.empty]
    if not parts or frame.empty:
        return out
    known = pd.concat([part.reindex(columns=BAR_COLUMNS) for part in parts])
    known["on"] = pd.to_datetime(known["session_date"]).astype("datetime64[ns]")
    known = known.astype({"close": float, "open": float}).rename(columns={"open": "ex_open"})
    # the reply's own bars come first and stand
    known = known.drop_duplicates(["ticker", "on"]).sort_values("on", kind="stable")
    dates = pd.to_datetime(frame["ex_date"]).astype("datetime64[ns]")
    sides = pd.DataFrame({"ticker": frame["ticker"], "on": dates, "row": np.arange(len(frame))})
    before = pd.merge_asof(
        sides.sort_values("on"), known[["ticker", "on", "close"]], on="on", by="ticker",
        allow_exact_matches=False, tolerance=pd.Timedelta(days=10),
    ).sort_values("row")  # fmt: skip
    opens = sides.merge(known[["ticker", "on", "ex_open"]], how="left", on=["ticker", "on"])
    # cash is paid per share of the ex-date: the close before is put into those shares
    value = frame["value"].astype(float)
    ratio = value.where(frame["kind"] == "split").groupby([frame["ticker"], dates]).transform("max")
    out["previous_close"] = before["close"].to_numpy() / ratio.fillna(1.0).to_numpy()
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
    out["is_not_in_price"] = (share > LARGE_DISTRIBUTION) & (fall < MIN_EX_DATE_DROP_SHARE * share)
    dates = pd.to_datetime(frame["ex_date"])
    today = frame["checked_at"].dt.tz_convert("America/New_York").dt.tz_localize(None)
    out["is_future"] = dates > today.dt.normalize()
    out["is_closed_day"] = session_close_times(frame["ex_date"]).isna()
    out["is_surplus"] = duplicate_rows(frame, KEY, ("value",))
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
    # A reply lists all events between its bars, so one that is gone was re-dated or taken back.
    # Not the first bar's: an event of the days before it may have been put there or lost.
    # One that this very batch set aside is still listed.
    replace_where="""
        old.ex_date > (
            select min(session_date) from resolved_daily_price as bar
            where bar.instrument_id = old.instrument_id
        )
        and old.ex_date <= (
            select max(session_date) from resolved_daily_price as bar
            where bar.instrument_id = old.instrument_id
        )
        and not exists (
            select
            from new_quarantine as aside
            join core.ticker as ticker on ticker.ticker = aside.key::jsonb ->> 'ticker'
            where aside.table_name = 'corporate_action'
                and ticker.instrument_id = old.instrument_id
                and (aside.key::jsonb ->> 'ex_date')::date = old.ex_date
                and aside.key::jsonb ->> 'kind' = old.kind
        )
        and old.instrument_id in (select instrument_id from resolved_daily_price)
    """,
    dirty_from="case when bool_or(kind = 'split') then date '1900-01-01' else min(ex_date) end",
    context_columns=("previous_close", "ex_open", "checked_at"),
    rules=RULES,
    add_rule_columns=annotate,
)
