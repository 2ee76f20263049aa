"""Macro series with vintages: one row per (series_id, observation_date, vintage_date)."""

from datetime import datetime

import pandas as pd
import polars as pl

from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.duplicates import duplicate_rows
from warehouse.reference import read_reference_by_key

KEY = ("series_id", "observation_date", "vintage_date")

# Minimum days from the observation's date to its publication. Monthly and quarterly dates are the
# first day of a period that must have ended: February has 28 days, the first quarter 90. Daily
# rates may be published earlier: a new target range is announced the day before it takes effect,
# and four days before over a long weekend.
MIN_PUBLICATION_LAG_DAYS = {"Daily": -4, "Weekly": 0, "Monthly": 28, "Quarterly": 90}

COLUMNS = (
    Column("series_id", "text", "FRED's id"),
    Column("observation_date", "date", "first day of the period; weekly: its last day"),
    Column("vintage_date", "date", "first day on which FRED showed this value (realtime_start)"),
    Column("value", "double precision", "the series' own unit", "missing_reason says why"),
    Column("missing_reason", "text", "why there is no value", "there is a value"),
    Column("source", "text", "provider"),
)

RULES = (
    Rule(
        "date_missing",
        "the observation date is missing",
        "ExpectColumnValuesToNotBeNull",
        {"column": "observation_date"},
    ),
    Rule(
        "vintage_missing",
        "the vintage date is missing",
        "ExpectColumnValuesToNotBeNull",
        {"column": "vintage_date"},
    ),
    flag_rule(
        "is_unknown_series",
        "series_unknown",
        "warehouse/reference/macro_series.csv does not list the series, so it has no bounds",
    ),
    flag_rule(
        "is_too_early",
        "vintage_before_period_end",
        "the vintage date is before the end of the value's period",
    ),
    flag_rule(
        "is_future",
        "vintage_in_future",
        "the vintage date is after the day of the check in New York",
    ),
    flag_rule(
        # The bounds of each series leave room beyond its historical range.
        "is_implausible",
        "value_implausible",
        "the value is outside plausible_min to plausible_max of"
        " warehouse/reference/macro_series.csv: another unit, or a wrong decimal point",
    ),
    flag_rule(
        "is_unexplained",
        "missing_reason_inconsistent",
        "missing_reason must be set if the value is NULL, and only then",
    ),
    flag_rule(
        "is_duplicate",
        "duplicate_vintage",
        "the reply has several values for this vintage: duplicates of a loaded one, or"
        " conflicting values, of which none is loaded",
    ),
)


def reference() -> pd.DataFrame:
    """Return the followed series by `series_id`, with the bounds of plausible values."""
    numbers = ("plausible_min", "plausible_max", "publication_lag_days")
    return read_reference_by_key("macro_series", "series_id", numbers)


def add_context(frame: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """Add to extracted observations the time of the check, which has a time zone."""
    return frame.assign(checked_at=pd.Timestamp(now).tz_convert("UTC"))


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = frame.copy()
    series = reference().reindex(frame["series_id"]).set_axis(frame.index, axis=0)
    out["is_unknown_series"] = series["frequency"].isna()
    value = frame["value"].astype(float)
    out["is_implausible"] = (value < series["plausible_min"]) | (value > series["plausible_max"])
    out["is_unexplained"] = value.isna() == frame["missing_reason"].isna()
    vintage = pd.to_datetime(frame["vintage_date"])
    lag = (vintage - pd.to_datetime(frame["observation_date"])).dt.days
    out["is_too_early"] = lag < series["frequency"].map(MIN_PUBLICATION_LAG_DAYS)
    today = frame["checked_at"].dt.tz_convert("America/New_York").dt.tz_localize(None)
    out["is_future"] = vintage > today.dt.normalize()
    out["is_duplicate"] = duplicate_rows(frame, KEY, ("value", "missing_reason"))
    return out


CONTRACT = Contract(
    table="macro_observation",
    schema="core",
    grain="one row per (series_id, observation_date, vintage_date)",
    source=(
        "FRED and ALFRED, series/observations with all vintages; publication lags are in"
        " warehouse/reference/macro_series.csv, and most series are revised"
    ),
    key=KEY,
    columns=COLUMNS,
    # The keyless CSV dates rows by the day of the fetch; vintages of ALFRED replace them, but not
    # before the observations that it serves: licensed series have three years only.
    replace_where=(
        "old.source = 'fredgraph' and exists ("
        " select from ("
        " select series_id, min(observation_date) as start_date from {staged}"
        " where source = 'alfred' group by series_id"
        " ) as served"
        " where served.series_id = old.series_id and served.start_date <= old.observation_date"
        ")"
    ),
    dirty_from=pl.col("vintage_date").min(),
    context_columns=("checked_at",),
    rules=RULES,
    add_rule_columns=annotate,
)
