"""What falls due when: one row per (index_code, sector, as_of_date, due_year)."""

import pandas as pd

from expectations.contract import Column, Contract, flag_rule
from expectations.rules.table_rules import between_rule, count_nulls_and_infs, key_and_null_rules

KEY = ("index_code", "sector", "as_of_date", "due_year")
NO_RATE = "of none of them an effective rate is known; of Financials it never is"
NO_MARKET = "no market yield of the index is known on that day"

COLUMNS = (
    Column("index_code", "text", "R2000, SP500 or another fund's index"),
    Column(
        "sector",
        "text",
        "GICS sector in iShares' spelling, or All for the whole index, Financials included",
    ),
    Column("as_of_date", "date", "calendar quarter-end; only what was filed by then counts"),
    Column(
        "due_year",
        "integer",
        "calendar year; 9999: after the last year of a ladder. Buckets across two years are "
        "split by days. May be past: a ladder is some months old",
    ),
    Column(
        "principal_usd",
        "double precision",
        "USD due, from each member's ladder in company_refinancing that is neither stale nor"
        " excessive, short-term borrowings included: the near ladder's years, then those of the"
        " whole one; summed in cents",
    ),
    Column("companies", "integer", "members with principal due in that year"),
    Column(
        "share_of_total", "double precision", "fraction of all years' principal", "no principal"
    ),
    Column(
        "cumulative_share",
        "double precision",
        "fraction due in that year or before",
        "no principal",
    ),
    Column(
        "weighted_effective_rate",
        "double precision",
        "fraction: effective rates of the companies, weighted with their principal of that year",
        NO_RATE,
    ),
    Column(
        "principal_with_rate_usd",
        "double precision",
        "USD of principal_usd with a known effective rate",
    ),
    Column(
        "market_rate",
        "double precision",
        "fraction: the index's market yield as known on as_of_date (market_rate.csv)",
        NO_MARKET,
    ),
    Column("market_rate_series", "text", "FRED series of market_rate", NO_MARKET),
    Column(
        "uplift_usd",
        "double precision",
        "USD a year that refinancing principal_with_rate_usd at market_rate would add to interest",
        "no effective rate or no market yield is known; of Financials never",
    ),
    Column(
        "zombie_principal_usd",
        "double precision",
        "USD of principal_usd owed by known zombies: a lower bound, as some members are not judged",
    ),
    Column("members", "integer", "companies in the index that day, with facts or without"),
    Column("members_with_debt", "integer", "members with known total debt"),
    Column("members_with_ladder", "integer", "members with a usable ladder"),
    Column(
        "members_with_excluded_ladder",
        "integer",
        "members with an unusable ladder: stale, implausible (see company_refinancing) or undated",
    ),
    Column("total_debt_usd", "double precision", "USD: debt of members_with_debt"),
    Column(
        "ladder_total_usd",
        "double precision",
        "USD: principal of all years, also of members with unknown total debt",
    ),
    Column(
        "debt_coverage_pct",
        "double precision",
        "percent of total_debt_usd that ladders explain, at most 100 per company; members with"
        " unknown total debt are left out of both",
    ),
    Column("membership_as_of", "date", "date of the membership snapshot"),
    Column(
        "is_backcast",
        "boolean",
        "true before the index's first snapshot was known: its members are the survivors",
    ),
)

RULES = (
    *key_and_null_rules(KEY),
    between_rule(
        "coverage_out_of_range", "a percentage is outside 0 to 100", "debt_coverage_pct", 0, 100
    ),
    between_rule("year_out_of_range", "the due year is outside 2000 to 2150", "year", 2000, 2150),
    between_rule(
        "cumulative_above_one", "the cumulative share is above 1", "cumulative_share", None, 1.0
    ),
    flag_rule("is_overcounted", "more_than_members", "a count of members is above members", "stop"),
    flag_rule(
        "is_above_total",
        "more_than_total",
        "a part of principal_usd is above principal_usd",
        "stop",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = count_nulls_and_infs(frame, COLUMNS)
    out["year"] = frame["due_year"].where(frame["due_year"] != 9999)
    counted = ["companies", "members_with_debt", "members_with_ladder"]
    counted.append("members_with_excluded_ladder")
    out["is_overcounted"] = frame[counted].max(axis=1) > frame["members"]
    parts = frame[["principal_with_rate_usd", "zombie_principal_usd"]].max(axis=1)
    out["is_above_total"] = parts > frame["principal_usd"] + 0.01
    return out


CONTRACT = Contract(
    table="refinancing_wall",
    schema="derived",
    grain="one row per (index_code, sector, as_of_date, due_year): principal due and coverage",
    source=(
        "derived.debt_maturity, derived.company_refinancing, core.index_membership and"
        " core.macro_observation; rebuilt from the first affected quarter-end"
    ),
    key=KEY,
    columns=COLUMNS,
    upstream=(
        "company_fact",
        "company",
        "company_ticker",
        "index_membership",
        "macro_observation",
        "daily_price",
        "debt_maturity",
        "company_refinancing",
    ),
    latest_date_column="as_of_date",
    rules=RULES,
    add_rule_columns=annotate,
)
