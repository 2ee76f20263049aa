"""Trailing valuation of indexes and sectors: one row per (index_code, sector, as_of_date)."""

import pandas as pd

from expectations.contract import Column, Contract, flag_rule
from expectations.rules.table_rules import between_rule, count_nulls_and_infs, key_and_null_rules

KEY = ("index_code", "sector", "as_of_date")
NO_EARNINGS = "earnings_coverage_pct is under 60, or the sum is not above 0"
NO_SALES = "sales_coverage_pct is under 60, or the sum is not above 0"

COLUMNS = (
    Column("index_code", "text", "R2000, SP500, SP600 or SP400"),
    Column("sector", "text", "GICS sector as the fund spells it; All is the whole index"),
    Column("as_of_date", "date", "calendar quarter-end: filings and prices known by then"),
    Column("members", "integer", "companies; two share classes of one company are one"),
    Column("members_with_earnings", "integer", "those with market value and income known"),
    Column("loss_makers", "integer", "members_with_earnings whose net income is below 0"),
    Column("market_value_usd", "double precision", "USD, of members_with_earnings"),
    Column("net_income_ttm_usd", "double precision", "USD of four quarters, of the same members"),
    Column("net_income_ttm_ex_losers_usd", "double precision", "the same without loss_makers"),
    Column(
        "price_to_earnings",
        "double precision",
        "market_value_usd over net_income_ttm_usd: aggregate, not a mean of ratios",
        NO_EARNINGS,
    ),
    Column(
        "price_to_earnings_ex_losers",
        "double precision",
        "the same ratio over the members that do not lose money",
        NO_EARNINGS,
    ),
    Column(
        "earnings_yield",
        "double precision",
        "fraction: net_income_ttm_usd over market_value_usd, below 0 for a net loss",
        "earnings_coverage_pct is under 60",
    ),
    Column(
        "earnings_coverage_pct", "double precision", "percent of the weight: members_with_earnings"
    ),
    Column("revenue_ttm_usd", "double precision", "USD, of members with market value and revenue"),
    Column(
        "price_to_sales", "double precision", "their market value over revenue_ttm_usd", NO_SALES
    ),
    Column("sales_coverage_pct", "double precision", "percent of the weight: those members"),
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
        "coverage_out_of_range",
        "a percentage is outside 0 to 100",
        "largest_coverage_pct",
        *(0, 100.01),
    ),
    flag_rule(
        "is_multiple_without_coverage",
        "multiple_without_coverage",
        "a multiple is given although figures are known for under 60 % of the weight",
        "stop",
    ),
    flag_rule("is_multiple_negative", "multiple_negative", "a multiple is not above 0", "stop"),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = count_nulls_and_infs(frame, COLUMNS)
    coverage = frame[["earnings_coverage_pct", "sales_coverage_pct"]]
    out["largest_coverage_pct"] = coverage.max(axis=1)
    earnings = frame[["price_to_earnings", "price_to_earnings_ex_losers", "earnings_yield"]]
    out["is_multiple_without_coverage"] = (
        earnings.notna().any(axis=1) & (frame["earnings_coverage_pct"] < 60)
    ) | (frame["price_to_sales"].notna() & (frame["sales_coverage_pct"] < 60))
    multiples = frame[["price_to_earnings", "price_to_earnings_ex_losers", "price_to_sales"]]
    out["is_multiple_negative"] = (multiples <= 0).any(axis=1)
    return out


CONTRACT = Contract(
    table="valuation",
    schema="derived",
    grain="one row per (index_code, sector, as_of_date)",
    source=(
        "derived.company_refinancing, the figures of filings stored with it, core.daily_price,"
        " core.corporate_action and core.index_membership; rebuilt from the first affected"
        " quarter-end"
    ),
    key=KEY,
    columns=COLUMNS,
    upstream=(
        "company_refinancing",
        "company_fact",
        "company",
        "company_ticker",
        "index_membership",
        "macro_observation",
        "daily_price",
        "corporate_action",
    ),
    latest_date_column="as_of_date",
    rules=RULES,
    add_rule_columns=annotate,
)
