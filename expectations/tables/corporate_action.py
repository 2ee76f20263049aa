"""Splits and distributions: one row per (ticker, ex_date, kind)."""

from datetime import date, datetime

import numpy as np
import pandas as pd
import polars as pl

from expectations.calendars.trading import session_close_times
from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.duplicates import duplicate_rows

KEY = ("ticker", "ex_date", "kind")
BAR_COLUMNS = ["ticker", "session_date", "open", "close"]
KINDS = ("split", "dividend", "capital_gain")

# Distributions above this fraction of the close move the price visibly on the ex-date.
LARGE_DISTRIBUTION = 0.15
# The open then falls by the distribution and overnight news; 1/3 of it leaves room for the news.
MIN_EX_DATE_DROP_SHARE = 1 / 3
# A smaller one is doubted if it is out of line with the earlier ones of its ticker, and if its
# missing fall exceeds the usual overnight move (four times the median is 2.7 standard deviations).
DOUBTED_DISTRIBUTION, UNUSUAL_MULTIPLE, CLEAR_MOVE_MULTIPLE = 0.02, 5.0, 4.0
# The vendor may list a dividend as paid although a later split halves the others. Such an amount
# without the split is near the usual one: companies seldom double or halve a dividend.
USUAL_AMOUNT_FACTOR = 2.0
# The price falls by dividend and gain if a fund paid both; below 2% the usual move hides it.
VISIBLE_GAIN = 0.02

COLUMNS = (
    Column("instrument_id", "integer", "identifier of core.instrument"),
    Column("ex_date", "date", "first XNYS session without the right"),
    Column("kind", "text", "split, dividend or capital_gain"),
    Column(
        "value",
        "double precision",
        "split: new shares per old share; otherwise USD per share as paid",
        # split-adjusted in single precision by the vendor and undone, like the prices
        null_means="the vendor lists a distribution whose amount validation rejected",
        equal_when="abs(new.value - old.value) <= greatest(abs(old.value) * 4.8e-7, 1.5e-6)",
    ),
    Column("source", "text", "provider"),
)

RULES = (
    Rule(
        "kind_unknown",
        "the kind is not split, dividend or capital_gain",
        "ExpectColumnValuesToBeInSet",
        {"column": "kind", "value_set": [*KINDS]},
    ),
    Rule(
        "value_missing",
        "the ratio or amount is missing",
        "ExpectColumnValuesToNotBeNull",
        {"column": "value"},
    ),
    Rule(
        "value_not_positive",
        "the ratio or amount is zero or negative",
        "ExpectColumnValuesToBeBetween",
        {"column": "value", "min_value": 0, "strict_min": True},
    ),
    Rule(
        # Reverse splits of 1:10,000 exist; no split of 1,000:1 is known.
        "split_ratio_implausible",
        "the split ratio is above 1,000:1 or below 1:20,000",
        "ExpectColumnValuesToBeBetween",
        {"column": "split_ratio", "min_value": 1 / 20_000, "max_value": 1_000},
    ),
    Rule(
        "split_ratio_is_one",
        "the split ratio is 1:1",
        "ExpectColumnValuesToNotBeInSet",
        {"column": "split_ratio", "value_set": [1.0]},
    ),
    flag_rule(
        "is_future", "ex_date_in_future", "the ex-date is after the day of the check in New York"
    ),
    flag_rule(
        "is_foreign",
        "distribution_not_usd",
        "the provider states another currency than USD for the distribution",
        nullify_column="value",
    ),
    flag_rule(
        # adjusting earlier prices by 1 - distribution / close would make them zero or negative
        "is_distribution_above_close",
        "distribution_exceeds_close",
        "the distribution is at least the previous close: another unit, or adjusted for a split"
        " that the vendor does not list",
        nullify_column="value",
    ),
    flag_rule(
        "is_not_in_price",
        "distribution_not_in_price",
        "the open of the ex-date fell by less than 1/3 of the distribution, which is above 15"
        " percent of the previous close, or 5 times the ticker's usual one: wrong amount or date",
        nullify_column="value",
    ),
    flag_rule(
        "is_paid_unadjusted",
        "dividend_not_split_adjusted",
        "the vendor lists the dividend as paid, without the split after it: the price did not fall"
        " by the amount times the split, and the listed amount is usual; it is loaded as listed",
        "warn",
    ),
    flag_rule(
        "is_duplicate",
        "duplicate_action",
        "the reply has several actions of this kind for the date: duplicates of a loaded one, or"
        " conflicting values, of which none is loaded",
    ),
    flag_rule(
        "is_closed_day",
        "ex_date_not_a_session",
        "the exchange had no session on the ex-date",
        "warn",
    ),
    flag_rule(
        "is_repeated",
        "split_on_two_dates",
        "the split repeats the ratio of one listed up to a week before; only the first is loaded",
    ),
    flag_rule(
        # listed on another session, the split would double or halve one adjusted return
        "is_redated",
        "split_date_corrected",
        "the prices show the split up to three sessions before or after the listed day; it is"
        " loaded on that session",
        "warn",
    ),
    flag_rule(
        # Yahoo's dividend of a fund often includes the capital gain of the same date (DODFX).
        "is_gain_counted_twice",
        "gain_counted_twice",
        "the dividend of the same date is at least the capital gain and includes it, unless the"
        " price fell by both: only the dividend is loaded",
    ),
)


def add_context(
    frame: pd.DataFrame,
    now: datetime,
    bars: pd.DataFrame | None = None,
    stored: pd.DataFrame | None = None,
    stored_yields: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Add the time of the check and the surrounding prices to extracted actions.

    Args:
        frame: Actions as extracted; without `currency`, all are in USD, and without
            `listed_date`, listed on the ex-date.
        now: The time of the check, with a time zone.
        bars: Unadjusted bars of the same reply, best without quarantined ones: `ticker,
            session_date, open, close`.
        stored: Stored closes: `ticker, session_date, close`. A reply that begins on an ex-date
            lacks the close before it.
        stored_yields: Stored dividends over the close of their ex-date: `ticker, ex_date, yield`.
    """
    out = frame.assign(
        checked_at=pd.Timestamp(now).tz_convert("UTC"),
        previous_close=np.nan,
        ex_open=np.nan,
        usual_yield=np.nan,
        usual_overnight_move=np.nan,
        currency=frame.get("currency", "USD"),
        listed_date=frame.get("listed_date", frame["ex_date"]),
        is_repeated=frame.get("is_repeated", False),
        is_paid_unadjusted=False,
    )
    parts = [part for part in (bars, stored) if part is not None and not part.empty]
    if not parts or frame.empty:
        return out
    known = pd.concat([part.reindex(columns=BAR_COLUMNS) for part in parts])
    known["on"] = pd.to_datetime(known["session_date"]).astype("datetime64[ns]")
    known = known.astype({"close": float, "open": float}).rename(columns={"open": "ex_open"})
    # bars of the reply come first and take precedence
    known = known.drop_duplicates(["ticker", "on"]).sort_values("on", kind="stable")
    dates = pd.to_datetime(frame["ex_date"]).astype("datetime64[ns]")
    sides = pd.DataFrame({"ticker": frame["ticker"], "on": dates, "row": np.arange(len(frame))})
    before = pd.merge_asof(
        sides.sort_values("on"), known[["ticker", "on", "close"]], on="on", by="ticker",
        allow_exact_matches=False, tolerance=pd.Timedelta(days=10),
    ).sort_values("row")  # fmt: skip
    opens = sides.merge(known[["ticker", "on", "ex_open"]], how="left", on=["ticker", "on"])
    # distributions are per share of the ex-date, so the previous close is converted to it
    value = frame["value"].astype(float)
    ratio = value.where(frame["kind"] == "split").groupby([frame["ticker"], dates]).transform("max")
    out["previous_close"] = before["close"].to_numpy() / ratio.fillna(1.0).to_numpy()
    out["ex_open"] = opens["ex_open"].to_numpy()
    is_dividend = frame["kind"] == "dividend"
    yields = pd.DataFrame(
        {"ticker": frame["ticker"], "ex_date": dates, "yield": value / out["previous_close"]}
    )
    out["usual_yield"] = _usual_yields(yields.where(is_dividend), stored_yields).to_numpy()
    if bars is not None and not bars.empty:
        out["usual_overnight_move"] = frame["ticker"].map(_usual_overnight_moves(bars)).to_numpy()
    return _restore_paid_amounts(out)


def _restore_paid_amounts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return dividends as listed where the vendor had not adjusted them for a later split.

    The extraction multiplies each by the splits after its ex-date. LRCX paid 2.30 before its split
    of 10:1; the vendor listed 2.30 and not 0.23, and the product was 23.00.
    """
    value = frame["value"].astype(float)
    listed = value / _later_splits(frame)
    fraction = value / frame["previous_close"]
    fall = 1.0 - frame["ex_open"] / frame["previous_close"]
    of_usual = listed / frame["previous_close"] / frame["usual_yield"]
    is_paid = (
        (frame["kind"] == "dividend")
        & (listed != value)
        & (fraction > UNUSUAL_MULTIPLE * frame["usual_yield"])
        & (fall < MIN_EX_DATE_DROP_SHARE * fraction)
        & of_usual.between(1.0 / USUAL_AMOUNT_FACTOR, USUAL_AMOUNT_FACTOR)
    )
    return frame.assign(
        value=frame["value"].where(~is_paid, listed.round(6)), is_paid_unadjusted=is_paid
    )


def _later_splits(frame: pd.DataFrame) -> pd.Series:
    """Return the product of the splits after each row's date; 1.0 without any."""
    is_split = (frame["kind"] == "split") & ~frame["is_repeated"].astype(bool)
    product = pd.Series(1.0, index=frame.index)
    splits = frame.loc[is_split, ["ticker", "ex_date", "value"]]
    for ticker, ex_date, ratio in splits.itertuples(index=False):
        product[(frame["ticker"] == ticker) & (frame["ex_date"] < ex_date)] *= float(ratio)
    return product


def _usual_yields(listed: pd.DataFrame, stored: pd.DataFrame | None) -> pd.Series:
    """Return the median yield of each ticker's dividends before each row; NaN without any."""
    every = listed.dropna(subset=["ticker", "yield"])
    if stored is not None and not stored.empty:
        dated = stored.assign(ex_date=pd.to_datetime(stored["ex_date"]).astype("datetime64[ns]"))
        every = pd.concat([every, dated]).drop_duplicates(["ticker", "ex_date"])
    past = {str(ticker): rows for ticker, rows in every.groupby("ticker")}
    medians = []
    for ticker, ex_date in zip(listed["ticker"], listed["ex_date"], strict=True):
        rows = past.get(str(ticker))
        earlier = None if rows is None else rows["yield"][rows["ex_date"] < ex_date]
        medians.append(np.nan if earlier is None else earlier.median())
    return pd.Series(medians, index=listed.index, dtype=float)


def _usual_overnight_moves(bars: pd.DataFrame) -> pd.Series:
    """Return the median absolute move from close to open of each ticker."""
    ordered = bars.sort_values(["ticker", "session_date"])
    move = ordered["open"] / ordered.groupby("ticker")["close"].shift() - 1.0
    moves: pd.Series = move.abs().groupby(ordered["ticker"]).median()
    return moves


def _is_not_in_price(frame: pd.DataFrame) -> pd.Series:
    """Return which distributions are large or unusual and missing from the ex-date's open."""
    value = frame["value"].astype(float)
    fraction = (value / frame["previous_close"]).where(frame["kind"] != "split")
    fall = 1.0 - frame["ex_open"] / frame["previous_close"]
    is_unusual = (fraction > DOUBTED_DISTRIBUTION) & (
        fraction > UNUSUAL_MULTIPLE * frame["usual_yield"]
    )
    is_unusual &= fraction - fall > CLEAR_MOVE_MULTIPLE * frame["usual_overnight_move"].fillna(0.0)
    is_missing = fall < MIN_EX_DATE_DROP_SHARE * fraction
    not_in_price: pd.Series = ((fraction > LARGE_DISTRIBUTION) | is_unusual) & is_missing
    return not_in_price


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = frame.copy()
    value = frame["value"].astype(float)
    is_split = frame["kind"] == "split"
    out["split_ratio"] = value.where(is_split)
    fraction = (value / frame["previous_close"]).where(~is_split)
    fall = 1.0 - frame["ex_open"] / frame["previous_close"]
    out["is_foreign"] = ~is_split & (frame["currency"] != "USD")
    out["is_distribution_above_close"] = fraction >= 1.0
    out["is_not_in_price"] = _is_not_in_price(frame)
    dates = pd.to_datetime(frame["ex_date"])
    out["is_redated"] = dates != pd.to_datetime(frame["listed_date"])
    today = frame["checked_at"].dt.tz_convert("America/New_York").dt.tz_localize(None)
    out["is_future"] = dates > today.dt.normalize()
    out["is_closed_day"] = session_close_times(frame["ex_date"]).isna()
    out["is_duplicate"] = duplicate_rows(frame, KEY, ("value",))
    paid = frame.assign(dividend=value.where(frame["kind"] == "dividend"))
    dividend = paid.groupby(["ticker", "ex_date"])["dividend"].transform("max")
    fell_by_both = (fraction > VISIBLE_GAIN) & (
        fall > (dividend + value / 2.0) / frame["previous_close"]
    )
    out["is_gain_counted_twice"] = (
        (frame["kind"] == "capital_gain") & (dividend >= value) & ~fell_by_both
    )
    return out


CONTRACT = Contract(
    table="corporate_action",
    schema="core",
    grain="one row per (instrument_id, ex_date, kind)",
    source=(
        "Yahoo's chart endpoint, in the same reply as the bars; listed from the ex-date's session"
        " on; dividends are adjusted for later splits, which the extraction undoes"
    ),
    key=("instrument_id", "ex_date", "kind"),
    natural_key=KEY,
    columns=COLUMNS,
    # A reply lists all actions between its bars, so a missing one was re-dated or withdrawn.
    # Except on the first bar's date: actions of earlier days may be moved there or dropped.
    # An action that this batch quarantined is still listed.
    replace_where="""
        exists (
            select from (
                select instrument_id, min(first_date) as first_date, max(last_date) as last_date
                from mapped_daily_price group by instrument_id
            ) as reply
            where reply.instrument_id = old.instrument_id
                and old.ex_date > reply.first_date and old.ex_date <= reply.last_date
        )
        and not exists (
            select from new_quarantine as quarantine
            join core.ticker as ticker on ticker.ticker = quarantine.key::jsonb ->> 'ticker'
            where quarantine.table_name = 'corporate_action'
                and ticker.instrument_id = old.instrument_id
                and (quarantine.key::jsonb ->> 'ex_date')::date = old.ex_date
                and quarantine.key::jsonb ->> 'kind' = old.kind
        )
    """,
    # a split changes every earlier adjusted close, a distribution only returns since its ex-date
    dirty_from=pl.when((pl.col("kind") == "split").any())
    .then(date(1900, 1, 1))
    .otherwise(pl.col("ex_date").min()),
    context_columns=(
        "previous_close",
        "ex_open",
        "usual_yield",
        "usual_overnight_move",
        "currency",
        "listed_date",
        "is_repeated",
        "is_paid_unadjusted",
        "checked_at",
    ),
    rules=RULES,
    add_rule_columns=annotate,
)
