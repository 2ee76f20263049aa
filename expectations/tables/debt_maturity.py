"""Debt maturity ladders as filed: one row per (cik, period_end, bucket, accession_number)."""

import pandas as pd

from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.table_rules import count_nulls_and_infs, key_and_null_rules

KEY = ("cik", "period_end", "bucket", "accession_number")
FAMILIES = ("fiscal", "rolling", "with_leases")
LAYOUTS = ("annual", "rolling", "current_year", "next_year")
YEARS = ("year_1", "year_2", "year_3", "year_4", "year_5")
BUCKETS = ("remainder", *YEARS, "after_4", "after_5", "short_term")
NULL_IF_NO_FISCAL_YEAR_END = "nothing says when the fiscal year ends"

COLUMNS = (
    Column("cik", "integer", "the SEC's number of the filer"),
    Column("period_end", "date", "the balance-sheet day that the ladder is of"),
    Column(
        "bucket",
        "text",
        "as tagged: year_1 to year_5, after_4, after_5, remainder (of the fiscal year under way);"
        " short_term: commercial paper and short-term borrowings that the ladder does not hold",
    ),
    Column("accession_number", "text", "the filing"),
    Column(
        "amount_usd",
        "double precision",
        "USD of principal due, as filed; of short_term by the balance sheet",
    ),
    Column(
        "family",
        "text",
        "fiscal, rolling or with_leases (finance leases included): a ladder is of one family, the"
        " one of which the filing has the most buckets for that day; its buckets of other families"
        " are not here",
    ),
    Column(
        "layout",
        "text",
        "where year_1 begins: annual and rolling after period_end, current_year in the fiscal year"
        " under way, next_year after it; see docs/methodology.md",
    ),
    Column("window_start", "date", "first day that the bucket covers", NULL_IF_NO_FISCAL_YEAR_END),
    Column(
        "window_end",
        "date",
        "last day that the bucket covers, by fiscal years of 12 months; off by up to a week for"
        " years of 52 and 53 weeks",
        "no end (after_4, after_5), or the fiscal year end is unknown",
    ),
    Column(
        "is_partial",
        "boolean",
        "the ladder lacks a bucket: nothing falls due then, it has no standard tag, or it was filed"
        " under another family's tag",
    ),
    Column("form", "text", "10-K, 10-Q, 8-K, /A for amendments"),
    Column("filed_date", "date", "day on which the SEC dates the filing"),
    Column("known_from", "date", "first XNYS session after filed_date"),
)


def _one_of(column: str, values: tuple[str, ...]) -> Rule:
    arguments = {"column": column, "value_set": [*values]}
    reason = f"a {column} that nothing is known of"
    return Rule(f"{column}_unknown", reason, "ExpectColumnValuesToBeInSet", arguments, "stop")


RULES = (
    *key_and_null_rules(KEY),
    _one_of("bucket", BUCKETS),
    _one_of("family", FAMILIES),
    _one_of("layout", LAYOUTS),
    flag_rule(
        "is_backward", "window_end_before_start", "window_end is before window_start", "stop"
    ),
    flag_rule("is_past", "window_before_period", "window_start is not after period_end", "stop"),
    flag_rule("is_early", "known_before_filed", "known_from is not after filed_date", "stop"),
    Rule(
        "amount_negative",
        "the principal due is negative, stored as filed: a sign error of the filer",
        "ExpectColumnValuesToBeBetween",
        {"column": "amount_usd", "min_value": 0},
        "warn",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = count_nulls_and_infs(frame, COLUMNS)
    start, end = pd.to_datetime(frame["window_start"]), pd.to_datetime(frame["window_end"])
    out["is_backward"] = end < start
    out["is_past"] = start <= pd.to_datetime(frame["period_end"])
    out["is_early"] = pd.to_datetime(frame["known_from"]) <= pd.to_datetime(frame["filed_date"])
    return out


CONTRACT = Contract(
    table="debt_maturity",
    schema="derived",
    grain="one row per (cik, period_end, bucket, accession_number): the maturity ladder as filed",
    source="tags of ladders and debt in core.company_fact; rebuilt for the companies that filed",
    key=KEY,
    columns=COLUMNS,
    upstream=("company_fact", "company"),
    latest_date_column="filed_date",
    rules=RULES,
    add_rule_columns=annotate,
)
