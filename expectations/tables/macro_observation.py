"""Economic series with every vintage: one row per (series_id, observation_date, vintage_date)."""

from datetime import datetime

import pandas as pd

from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.duplicates import duplicate_rows
from warehouse.reference import read_reference_by_key

KEY = ("series_id", "observation_date", "vintage_date")

# Days after an observation's date before which it cannot be known. Monthly and quarterly dates are
# the first of a period that must have ended: February has 28 days, the first quarter 90. Rates of
# a day may be dated ahead: a new target range is announced the day before it takes effect, and
# four days before over a long weekend.
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
        "no observation date",
        "ExpectColumnValuesToNotBeNull",
        {"column": "observation_date"},
    ),
    Rule(
        "vintage_missing",
        "nothing says when the value was known",
        "ExpectColumnValuesToNotBeNull",
        {"column": "vintage_date"},
    ),
    flag_rule(
        "is_unknown_series",
        "series_unknown",
        "warehouse/reference/macro_series.csv has no such series, so no bounds for it",
    ),
    flag_rule(
        "is_too_early",
        "vintage_before_period_end",
        "the value is dated as known before its period can have ended",
    ),
    flag_rule(
        "is_future", "vintage_in_future", "the vintage is after the day of the check in New York"
    ),
    flag_rule(
        # The bounds of each series, with room for what history has not seen yet.
        "is_implausible",
        "value_implausible",
        "the value is outside plausible_min to plausible_max of"
        " warehouse/reference/macro_series.csv: another unit, or a slip of the decimal point",
    ),
    flag_rule(
        "is_unexplained",
        "missing_reason_inconsistent",
        "a value must be absent exactly where missing_reason says why",
    ),
    flag_rule(
        "is_surplus",
        "duplicate_vintage",
        "the reply has several values for this vintage: repeats of one that was kept, or values"
        " that differ, of which nobody knows the right one",
    ),
)


def reference() -> pd.DataFrame:
    """Return the followed series by `series_id`, with the bounds of plausible values."""
    numbers = ("plausible_min", "plausible_max", "publication_lag_days")
    return read_reference_by_key("macro_series", "series_id", numbers)


def with_context(frame: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """Write into extracted observations the instant of the check (with a time zone)."""
    return frame.assign(checked_at=pd.Timestamp(now).tz_convert("UTC"))


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add what the rules look at."""
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
    out["is_surplus"] = duplicate_rows(frame, KEY, ("value", "missing_reason"))
    return out


CONTRACT = Contract(
    table="macro_observation",
    schema="core",
    grain="one row per (series_id, observation_date, vintage_date)",
    source=(
        "FRED and ALFRED, series/observations with all vintages; each series has its own"
        " publication lag (warehouse/reference/macro_series.csv) and most are revised"
    ),
    key=KEY,
    columns=COLUMNS,
    # the keyless file's rows are dated by the day they were seen: the real vintages replace them
    replace_where=(
        "old.source = 'fredgraph'"
        " and old.series_id in (select series_id from {staged} where source = 'alfred')"
    ),
    dirty_from="min(vintage_date)",
    context_columns=("checked_at",),
    rules=RULES,
    add_rule_columns=annotate,
)
