"""XBRL facts of companies as filed: one row per fact and filing."""

from collections import defaultdict
from datetime import date, datetime
from functools import cache
from typing import NamedTuple

import pandas as pd
import polars as pl

from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.duplicates import duplicate_rows
from expectations.rules.filing_forms import role_of_form
from expectations.rules.filing_scale import find_unbelieved_filings
from warehouse.reference import read_reference

KEY = ("cik", "tag", "unit", "period_start", "period_end", "accession_number")

# EDGAR's first filings; the facts that the SEC serves begin in 2009.
EDGAR_BEGAN = pd.Timestamp("1993-01-01")
# Comparatives and selected data reach ten years back; older periods (1930, the twelfth century)
# are typing errors in the year.
OLDEST_PERIOD_YEARS = 20
# The largest balance sheets (Fannie Mae, JPMorgan) total 4 to 5 trillion USD, and the most shares
# ever outstanding were some hundred billion; above these limits the scale is wrong.
MAX_ABS_VALUE = {"USD": 1e13, "shares": 1e12, "pure": 1e6, "USD/shares": 1e7}
# A fiscal year of 53 weeks has 371 days; the first year of a company may be longer.
MAX_PERIOD_DAYS = 380
# Prefixes of concepts that the taxonomy defines as non-negative: a negative amount is a sign error
# of the filer, or includes a refund.
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
        "warehouse/reference/concept.csv does not list this tag in this unit",
    ),
    Rule(
        "period_start_missing",
        "the first day of the period is missing",
        "ExpectColumnValuesToNotBeNull",
        {"column": "period_start"},
    ),
    Rule(
        "period_end_missing",
        "the last day of the period is missing",
        "ExpectColumnValuesToNotBeNull",
        {"column": "period_end"},
    ),
    Rule(
        "filed_date_missing",
        "the filing date is missing",
        "ExpectColumnValuesToNotBeNull",
        {"column": "filed_date"},
    ),
    Rule(
        "known_from_missing",
        "the trading calendar has no session after the filing date",
        "ExpectColumnValuesToNotBeNull",
        {"column": "known_from"},
    ),
    Rule(
        "form_missing",
        "the form of the filing is missing",
        "ExpectColumnValuesToNotBeNull",
        {"column": "form"},
    ),
    Rule(
        "accession_malformed",
        "the accession number is not 10, 2 and 6 digits, so the filing cannot be found",
        "ExpectColumnValuesToMatchRegex",
        {"column": "accession_number", "regex": r"^\d{10}-\d{2}-\d{6}$"},
    ),
    flag_rule("is_reversed", "period_reversed", "the period ends before it starts"),
    flag_rule(
        "is_wrong_period_type",
        "period_type_mismatch",
        "an instant concept is filed for a duration, or the reverse, against the period type in"
        " warehouse/reference/concept.csv",
    ),
    flag_rule(
        "is_filed_before_end",
        "filed_before_end",
        "the filing date is before the end of the period",
    ),
    flag_rule(
        "is_future", "filed_in_future", "the filing date is after the day of the check in New York"
    ),
    flag_rule(
        "is_before_edgar",
        "filed_before_edgar",
        "the filing date is before EDGAR began in 1993",
    ),
    flag_rule(
        "is_period_too_old",
        "period_too_old",
        "the period ended more than 20 years before the filing: a typing error in the year",
    ),
    Rule(
        "value_missing",
        "the fact has no value",
        "ExpectColumnValuesToNotBeNull",
        {"column": "value"},
    ),
    flag_rule(
        "is_out_of_range",
        "value_out_of_range",
        "the value is above the limit of its unit (10 trillion USD, a trillion shares)",
    ),
    flag_rule(
        "is_duplicate",
        "duplicate_fact",
        "the reply has this fact of this filing more than once: duplicates of a loaded one, or"
        " conflicting values, of which none is loaded",
    ),
    flag_rule(
        "is_long",
        "period_long",
        "the period is longer than a fiscal year, as in totals since inception",
        "warn",
    ),
    flag_rule(
        "is_negative",
        "amount_negative",
        "interest or debt is below zero, stored as filed: a sign error of the filer, or a net"
        " amount",
        "warn",
    ),
    flag_rule(
        "is_of_other_form",
        "form_not_financial",
        "a proxy statement or another form that warehouse/reference/filing_form.csv does not list"
        " states it: stored as filed, never used",
        "warn",
    ),
    flag_rule(
        "is_off_scale",
        "scale_contradicts_earlier_filings",
        "the filing's amounts, its comparatives included, are a thousand or a million times (or a"
        " part) of those filed before: stored as filed, not believed",
        "warn",
    ),
    flag_rule(
        "is_not_fraction",
        "fraction_out_of_range",
        "the fraction is outside 0 to 1, stored as filed: perhaps a percentage",
        "warn",
    ),
)


@cache
def concepts() -> pd.DataFrame:
    """Return the `concept` and the `period` type (instant or duration) of each (tag, unit)."""
    table = read_reference("concept")[["concept", "tag", "unit", "period"]]
    return table.drop_duplicates(["tag", "unit"]).set_index(["tag", "unit"])


def add_context(frame: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """Add to extracted facts the time of the check, which has a time zone."""
    return frame.assign(checked_at=pd.Timestamp(now).tz_convert("UTC"))


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = frame.copy()
    pairs = pd.MultiIndex.from_frame(frame[["tag", "unit"]])
    listed = concepts().reindex(pairs).set_axis(frame.index, axis=0)
    period_type = listed["period"]
    out["is_unlisted"] = period_type.isna()
    start, end = pd.to_datetime(frame["period_start"]), pd.to_datetime(frame["period_end"])
    filed = pd.to_datetime(frame["filed_date"])
    out["is_reversed"] = start > end
    # a duration of one day looks like an instant, but none is reported
    out["is_wrong_period_type"] = period_type.notna() & (
        (period_type == "instant") != (start == end)
    )
    out["is_filed_before_end"] = end > filed
    today = frame["checked_at"].dt.tz_convert("America/New_York").dt.tz_localize(None)
    out["is_future"] = filed > today.dt.normalize()
    out["is_before_edgar"] = filed < EDGAR_BEGAN
    out["is_period_too_old"] = end < filed - pd.DateOffset(years=OLDEST_PERIOD_YEARS)
    value = frame["value"].astype(float)
    out["is_out_of_range"] = value.abs() > frame["unit"].map(MAX_ABS_VALUE).fillna(
        MAX_ABS_VALUE["USD"]
    )
    out["is_duplicate"] = duplicate_rows(frame, KEY, ("value",))
    out["is_long"] = (end - start).dt.days >= MAX_PERIOD_DAYS
    is_non_negative = listed["concept"].fillna("").str.startswith(NON_NEGATIVE_CONCEPTS)
    out["is_negative"] = is_non_negative & (value < 0)
    has_role = _has_role(frame["form"])
    out["is_of_other_form"] = frame["form"].notna() & ~has_role
    out["is_off_scale"] = _find_off_scale(frame, (frame["unit"] == "USD") & has_role)
    out["is_not_fraction"] = (frame["unit"] == "pure") & ((value < 0) | (value > 1))
    return out


def _has_role(forms: pd.Series) -> pd.Series:
    """Return whether `warehouse/reference/filing_form.csv` lists each form."""
    listed = [form for form in forms.dropna().unique() if role_of_form(form) is not None]
    return forms.isin(listed)


class _Amount(NamedTuple):
    """One amount of the batch: a `FiledFact`."""

    tag: str
    start: date
    end: date
    value: float
    accession: str
    form: str
    filed: date
    known_from: date


def _find_off_scale(frame: pd.DataFrame, is_judged: "pd.Series[bool]") -> pd.Series:
    """Return whether the filing of each row is not believed, or was not for some time.

    A reply has all facts of its companies, so that the batch has the filings before, too.
    """
    names = ["tag", "period_start", "period_end", "value", "accession_number", "form"]
    names += ["filed_date", "known_from"]
    judged = frame[is_judged & frame[names].notna().all(axis=1)]
    # lists of a column's values, as rows of a frame take ten times as long
    columns = [
        judged[name].to_numpy("datetime64[D]" if judged[name].dtype.kind == "M" else object)
        for name in names
    ]
    amounts = map(_Amount._make, zip(*(column.tolist() for column in columns), strict=True))
    by_cik = defaultdict[int, list[_Amount]](list)
    for cik, amount in zip(judged["cik"].tolist(), amounts, strict=True):
        by_cik[cik].append(amount)
    off = [
        (cik, accession)
        for cik, facts in by_cik.items()
        for accession in {each for step in find_unbelieved_filings(facts) for each in step.powers}
    ]
    if not off:
        return pd.Series(False, index=frame.index)
    filings = pd.MultiIndex.from_frame(frame[["cik", "accession_number"]])
    return pd.Series(filings.isin(off), index=frame.index)


CONTRACT = Contract(
    table="company_fact",
    schema="core",
    grain="one row per (cik, tag, unit, period_start, period_end, accession_number)",
    source=(
        "the SEC's companyfacts: facts without dimensions of the standard taxonomies, from every"
        " filing with them; served within minutes of the filing; amended by later filings"
    ),
    key=KEY,
    columns=COLUMNS,
    dirty_from=pl.col("known_from").min(),
    context_columns=("checked_at",),
    shard_column="cik",
    rules=RULES,
    add_rule_columns=annotate,
)
