"""Facts of companies as filed: one row per fact and the filing that stated it."""

from datetime import datetime
from functools import cache

import pandas as pd

from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.duplicates import duplicate_rows
from warehouse.reference import read_reference

KEY = ("cik", "tag", "unit", "period_start", "period_end", "accession_number")

# EDGAR's first filings; the facts that the SEC serves begin in 2009.
EDGAR_BEGAN = pd.Timestamp("1993-01-01")
# Comparatives and tables of selected data reach ten years back; a day of the twelfth century or of
# 1930 is a slip in the year.
OLDEST_PERIOD_YEARS = 20
# The largest balance sheets (Fannie Mae, JPMorgan) hold 4 to 5 trillion USD, and the most shares
# ever outstanding were some hundred billion: beyond these the scale is wrong.
MAX_ABS_VALUE = {"USD": 1e13, "shares": 1e12, "pure": 1e6, "USD/shares": 1e7}
# A fiscal year of 53 weeks has 371 days; the first year of a company may be longer.
MAX_PERIOD_DAYS = 380
# Groups of concepts whose amounts are never below zero as the taxonomy defines them: a minus is a
# slip of the filer's sign, or a refund netted in.
NON_NEGATIVE_CONCEPTS = ("interest_", "ladder_", "debt_")

COLUMNS = (
    Column("cik", "integer", "the SEC's number of the filer"),
    Column("tag", "text", "name of the concept in us-gaap or dei"),
    Column("unit", "text", "USD, shares, pure or USD/shares"),
    Column("period_start", "date", "first day of the period; of an instant: the instant's day"),
    Column("period_end", "date", "last day of the period, or the instant's day"),
    Column("accession_number", "text", "the filing that states it"),
    Column("value", "double precision", "the row's unit, sign as filed"),
    Column(
        "fiscal_year",
        "integer",
        "fiscal year of the FILING, not of the period",
        "the filing does not say",
    ),
    Column(
        "fiscal_period",
        "text",
        "FY, Q1, Q2 or Q3 of the FILING, not of the period",
        "the filing does not say",
    ),
    Column("form", "text", "10-K, 10-Q, 8-K, /A for amendments"),
    Column("filed_date", "date", "day on which the SEC dates the filing"),
    Column("known_from", "date", "first XNYS session after filed_date"),
)

RULES = (
    flag_rule(
        "is_unlisted",
        "concept_unlisted",
        "warehouse/reference/concept.csv has no such tag in this unit",
    ),
    Rule(
        "period_start_missing",
        "no first day of the period",
        "ExpectColumnValuesToNotBeNull",
        {"column": "period_start"},
    ),
    Rule(
        "period_end_missing",
        "no last day of the period",
        "ExpectColumnValuesToNotBeNull",
        {"column": "period_end"},
    ),
    Rule(
        "filed_date_missing",
        "nothing says when it was filed",
        "ExpectColumnValuesToNotBeNull",
        {"column": "filed_date"},
    ),
    Rule(
        "known_from_missing",
        "the calendar of sessions has none after the filing",
        "ExpectColumnValuesToNotBeNull",
        {"column": "known_from"},
    ),
    Rule(
        "form_missing",
        "the filing's form is not given",
        "ExpectColumnValuesToNotBeNull",
        {"column": "form"},
    ),
    Rule(
        "accession_malformed",
        "not an accession number, ten digits, two and six: the fact can't be traced",
        "ExpectColumnValuesToMatchRegex",
        {"column": "accession_number", "regex": r"^\d{10}-\d{2}-\d{6}$"},
    ),
    flag_rule("is_reversed", "period_reversed", "the period ends before it starts"),
    flag_rule(
        "is_other_kind",
        "period_type_mismatch",
        "a concept of an instant is filed for a period, or the other way round: it is something"
        " else than warehouse/reference/concept.csv takes it for",
    ),
    flag_rule(
        "is_before_end",
        "filed_before_end",
        "filed before the period had ended, so no report of it",
    ),
    flag_rule("is_future", "filed_in_future", "filed after the day of the check in New York"),
    flag_rule(
        "is_before_edgar",
        "filed_before_edgar",
        "filed before EDGAR began in 1993",
    ),
    flag_rule(
        "is_ancient",
        "period_too_old",
        "the period ended more than 20 years before the filing: a slip of a year",
    ),
    Rule(
        "value_missing",
        "the fact has no value",
        "ExpectColumnValuesToNotBeNull",
        {"column": "value"},
    ),
    flag_rule(
        "is_absurd",
        "value_out_of_range",
        "beyond 10 trillion USD, a trillion shares or the like: the scale is wrong",
    ),
    flag_rule(
        "is_surplus",
        "duplicate_fact",
        "the reply states this fact of this filing more than once: repeats of one that was kept, or"
        " values that differ, of which nobody knows the right one",
    ),
    flag_rule(
        "is_long",
        "period_long",
        "the period is longer than any fiscal year: since inception, as young companies report",
        "warn",
    ),
    flag_rule(
        "is_negative",
        "amount_negative",
        "interest or debt below zero: kept as filed, the filer's sign is wrong or something is"
        " netted in",
        "warn",
    ),
    flag_rule(
        "is_no_share",
        "fraction_out_of_range",
        "a share outside 0 to 1: kept as filed, perhaps in percent",
        "warn",
    ),
)


@cache
def concepts() -> pd.DataFrame:
    """Return the `concept` and the `period` type (instant or duration) of each (tag, unit)."""
    table = read_reference("concept")[["concept", "tag", "unit", "period"]]
    return table.drop_duplicates(["tag", "unit"]).set_index(["tag", "unit"])


def with_context(frame: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """Write into extracted facts the instant of the check (with a time zone)."""
    return frame.assign(checked_at=pd.Timestamp(now).tz_convert("UTC"))


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add what the rules look at."""
    out = frame.copy()
    pairs = pd.MultiIndex.from_frame(frame[["tag", "unit"]])
    listed = concepts().reindex(pairs).set_axis(frame.index, axis=0)
    kind = listed["period"]
    out["is_unlisted"] = kind.isna()
    start, end = pd.to_datetime(frame["period_start"]), pd.to_datetime(frame["period_end"])
    filed = pd.to_datetime(frame["filed_date"])
    out["is_reversed"] = start > end
    # a duration of a single day can't be told from an instant; none is reported
    out["is_other_kind"] = kind.notna() & ((kind == "instant") != (start == end))
    out["is_before_end"] = end > filed
    today = frame["checked_at"].dt.tz_convert("America/New_York").dt.tz_localize(None)
    out["is_future"] = filed > today.dt.normalize()
    out["is_before_edgar"] = filed < EDGAR_BEGAN
    out["is_ancient"] = end < filed - pd.DateOffset(years=OLDEST_PERIOD_YEARS)
    value = frame["value"].astype(float)
    out["is_absurd"] = value.abs() > frame["unit"].map(MAX_ABS_VALUE).fillna(MAX_ABS_VALUE["USD"])
    out["is_surplus"] = duplicate_rows(frame, KEY, ("value",))
    out["is_long"] = (end - start).dt.days >= MAX_PERIOD_DAYS
    owed = listed["concept"].fillna("").str.startswith(NON_NEGATIVE_CONCEPTS)
    out["is_negative"] = owed & (value < 0)
    out["is_no_share"] = (frame["unit"] == "pure") & ((value < 0) | (value > 1))
    return out


CONTRACT = Contract(
    table="company_fact",
    schema="core",
    grain="one row per (cik, tag, unit, period_start, period_end, accession_number)",
    source=(
        "the SEC's companyfacts: standard taxonomies, facts without dimensions, of every filing"
        " that states them; served within minutes of the filing; a filing is amended by another"
    ),
    key=KEY,
    columns=COLUMNS,
    dirty_from="min(known_from)",
    context_columns=("checked_at",),
    rules=RULES,
    add_rule_columns=annotate,
)
