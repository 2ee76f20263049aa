"""What a change of rates does: one row per (index_code, sector, as_of_date, shock_bp)."""

import pandas as pd

from expectations.contract import Column, Contract, flag_rule
from expectations.rules.table_rules import between_rule, count_nulls_and_infs, key_and_null_rules

KEY = ("index_code", "sector", "as_of_date", "shock_bp")
NONE = "no member has both EBIT and interest"

COLUMNS = (
    Column("index_code", "text", "R2000, SP500 or another fund's index"),
    Column(
        "sector",
        "text",
        "GICS sector in iShares' spelling, or All for the whole index but Financials, whose"
        " interest is what their funds cost: they have no row, and are not in All",
    ),
    Column("as_of_date", "date", "calendar quarter-end; only what was filed by then counts"),
    Column(
        "shock_bp",
        "integer",
        "basis points by which short rates change at once; floating debt follows in full, fixed"
        " debt not at all, for a year",
    ),
    Column("members", "integer", "companies in the index that day, without Financials"),
    Column("members_with_debt", "integer", "members with known total debt"),
    Column(
        "members_with_floating_share",
        "integer",
        "members_with_debt with a known floating share: disclosed, else implied",
    ),
    Column("total_debt_usd", "double precision", "USD: debt of members_with_debt"),
    Column(
        "floating_share_coverage_pct",
        "double precision",
        "percent of total_debt_usd owed by members_with_floating_share",
        "total_debt_usd is 0",
    ),
    Column(
        "floating_debt_usd",
        "double precision",
        "USD: floating share times debt of members_with_floating_share",
    ),
    Column(
        "floating_share",
        "double precision",
        "fraction: floating_debt_usd over the debt of members_with_floating_share",
        "that debt is 0",
    ),
    Column(
        "interest_change_usd",
        "double precision",
        "USD a year more interest on floating_debt_usd; pre-tax income changes by its opposite",
    ),
    Column(
        "interest_change_low_usd",
        "double precision",
        "USD: lower bound, with the other debt all fixed or all floating",
    ),
    Column(
        "interest_change_high_usd",
        "double precision",
        "USD: upper bound, with the other debt all fixed or all floating",
    ),
    Column(
        "pretax_income_ttm_usd",
        "double precision",
        "USD: pre-tax income of members with known floating share and pre-tax income",
        "no such member",
    ),
    Column(
        "pretax_change_pct",
        "double precision",
        "percent: change of these members' interest over the size of their pre-tax income",
        "no such member, or the income is 0",
    ),
    Column("members_with_coverage", "integer", "members_with_debt with EBIT and interest known"),
    Column(
        "interest_coverage", "double precision", "EBIT over interest of members_with_coverage", NONE
    ),
    Column(
        "interest_coverage_after",
        "double precision",
        "interest_coverage with the change of interest on floating debt; unknown debt is fixed",
        f"{NONE}, or no interest would be left",
    ),
    Column(
        "interest_coverage_after_bound",
        "double precision",
        "interest_coverage_after with all unknown debt floating",
        f"{NONE}, or no interest would be left",
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
    between_rule("share_out_of_range", "a fraction is outside 0 to 1", "floating_share", 0, 1),
    between_rule(
        "coverage_out_of_range",
        "a percentage is outside 0 to 100",
        "floating_share_coverage_pct",
        *(0, 100),
    ),
    flag_rule(
        "is_financial", "financial_shock", "the row is of Financials, which are excluded", "stop"
    ),
    flag_rule(
        "is_out_of_bounds",
        "change_outside_bounds",
        "interest_change_usd is outside its low and high bounds",
        "stop",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = count_nulls_and_infs(frame, COLUMNS)
    out["is_financial"] = frame["sector"] == "Financials"
    change = frame["interest_change_usd"]
    out["is_out_of_bounds"] = (change < frame["interest_change_low_usd"] - 0.01) | (
        change > frame["interest_change_high_usd"] + 0.01
    )
    return out


CONTRACT = Contract(
    table="rate_shock",
    schema="derived",
    grain="one row per (index_code, sector, as_of_date, shock_bp): interest if short rates moved",
    source=(
        "derived.company_refinancing and core.index_membership; rebuilt from the first affected"
        " quarter-end"
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
