"""Debt, maturities and interest of companies: one row per (cik, as_of_date), quarter-ends."""

import pandas as pd

from expectations.contract import Column, Contract, flag_rule
from expectations.rules.table_rules import between_rule, count_nulls_and_infs, key_and_null_rules

KEY = ("cik", "as_of_date")
NOT_A_MEMBER = "no followed index lists the company on that day"
NOT_FILED = "the newest report has no tag for it, or a part is missing"
NO_LADDER = "no ladder is known"
FINANCIAL = (
    "or the company is a Financial (by sector; outside the indexes by SIC code), whose interest"
    " is its cost of funding"
)
NOT_SUMMED = "a part is missing or does not fit: see missing_reasons"

COLUMNS = (
    Column("cik", "integer", "SEC number of the filer"),
    Column(
        "as_of_date",
        "date",
        "calendar quarter-end; uses facts with known_from up to this day. No row if the newest"
        " report is over 456 days old",
    ),
    Column("ticker", "text", "ticker of the largest position in the index", NOT_A_MEMBER),
    Column("name", "text", "the company's name in the fund's file", NOT_A_MEMBER),
    Column(
        "index_code",
        "text",
        "the first index in fund.csv's order whose newest known snapshot lists the company",
        NOT_A_MEMBER,
    ),
    Column("sector", "text", "GICS sector in that snapshot", "none is given there"),
    Column(
        "is_backcast",
        "boolean",
        "true before the index's first snapshot was known: its members are the survivors",
    ),
    Column(
        "period_end",
        "date",
        "end of the newest period that was reported on: the newest balance sheet's day; of income"
        " where no assets or liabilities ever were filed",
    ),
    Column("filed_date", "date", "day of the filing that reported on it last"),
    Column("accession_number", "text", "that filing"),
    Column(
        "total_debt_usd",
        "double precision",
        "USD on period_end, nothing twice",
        f"{NOT_FILED}: current debt alone is no total; or an amount is below 0",
    ),
    Column(
        "total_debt_basis",
        "text",
        "the tags that total_debt_usd is the sum of, and whether it is a lower bound (notes "
        "without a total) or a contradicting figure was left out; see docs/methodology.md",
        "it is unknown",
    ),
    Column(
        "total_debt_confidence",
        "text",
        "sure: both balance-sheet lines or two figures that agree; likely: one figure, or the"
        " likeliest reading; lower_bound: at least this; see docs/methodology.md",
        "total debt is unknown",
    ),
    Column("cash_usd", "double precision", "USD on period_end", NOT_FILED),
    Column(
        "ladder_period_end",
        "date",
        "balance-sheet date of the chosen maturity ladder: the newest known that explains the "
        "debt of its day, else the newest; see docs/methodology.md",
        "no ladder is known",
    ),
    Column(
        "ladder_family",
        "text",
        "fiscal, rolling or with_leases: of the filings of that day, the one with the most buckets;"
        " of such the newest",
        NO_LADDER,
    ),
    Column("ladder_accession_number", "text", "the newest filing behind the ladder", NO_LADDER),
    Column(
        "near_ladder_period_end",
        "date",
        "date of the ladder behind due_12m_usd, due_36m_usd and the wall's first years: a newer one"
        " if its next 36 months are whole, else ladder_period_end",
        NO_LADDER,
    ),
    Column("near_ladder_family", "text", "its family in debt_maturity", NO_LADDER),
    Column(
        "ladder_total_usd",
        "double precision",
        "USD: sum of the buckets of ladder_period_end's ladder, short_term included",
        NO_LADDER,
    ),
    Column("is_ladder_partial", "boolean", "the ladder lacks a bucket", NO_LADDER),
    Column(
        "is_ladder_stale",
        "boolean",
        "the ladder is over 456 days old, a later annual report came without one, or the debt has"
        " been repaid since: it is in no wall, and due_12m_usd and due_36m_usd are NULL",
        NO_LADDER,
    ),
    Column(
        "is_ladder_implausible",
        "boolean",
        "the ladder contradicts the debt of its day or has a negative bucket, so it is in no "
        "wall, and due_12m_usd and due_36m_usd are NULL; see docs/methodology.md",
        "no ladder is known",
    ),
    Column(
        "ladder_gap_pct",
        "double precision",
        "percent: ladder_total_usd over total debt on the ladder's day, less 100; unexplained"
        " beyond -30 and 30",
        "no ladder, or the debt of its day is unknown, 0 or a lower bound below it",
    ),
    Column(
        "due_12m_usd",
        "double precision",
        "USD of debt of any form due within 12 months after near_ladder_period_end",
        f"{NO_LADDER}, it is stale or excessive, a bucket of that time is missing, or"
        " it is more than is owed",
    ),
    Column(
        "due_36m_usd",
        "double precision",
        "USD of debt of any form due within 36 months after near_ladder_period_end",
        f"{NO_LADDER}, it is stale or excessive, a bucket of that time is missing, or"
        " it is more than is owed",
    ),
    Column(
        "interest_expense_ttm_usd",
        "double precision",
        "USD over the four fiscal quarters to period_end: as accrued, else as paid (see "
        "interest_tags); see docs/methodology.md",
        NOT_SUMMED,
    ),
    Column("interest_tags", "text", "XBRL tags of the interest expense", "the interest is unknown"),
    Column(
        "pretax_income_ttm_usd",
        "double precision",
        "USD over the four fiscal quarters to period_end; net income plus taxes where it is not"
        " filed",
        NOT_SUMMED,
    ),
    Column(
        "ebit_ttm_usd",
        "double precision",
        "USD over the four fiscal quarters to period_end",
        NOT_SUMMED,
    ),
    Column(
        "ebit_basis",
        "text",
        "operating income; else pretax income + interest expense; else pretax income + interest"
        " paid",
        "EBIT is unknown",
    ),
    Column(
        "net_income_ttm_usd",
        "double precision",
        "USD over the four fiscal quarters to period_end",
        NOT_SUMMED,
    ),
    Column(
        "interest_coverage",
        "double precision",
        "ratio: ebit_ttm_usd / interest_expense_ttm_usd",
        "a part is unknown, interest is 0, or the company is a Financial",
    ),
    Column(
        "years_below_one",
        "integer",
        "fiscal years in a row, up to the newest annual report, with EBIT below interest",
        "a year of the last three is unknown, no annual report in 456 days, or a Financial",
    ),
    Column("is_zombie", "boolean", "years_below_one is 3 or more", "years_below_one is"),
    Column(
        "is_unprofitable",
        "boolean",
        "net_income_ttm_usd is below 0: not the same as is_zombie",
        "net income is unknown",
    ),
    Column(
        "floating_share_disclosed",
        "double precision",
        "fraction of debt at variable rates, from the variable-rate tags that agree with each"
        " other or with the amounts",
        "not disclosed as facts, as with nearly all filers, or contradictory",
    ),
    Column(
        "implied_floating_share",
        "double precision",
        "fraction, a proxy: OLS slope of the quarterly effective rate on mean DFF, 12 quarters,"
        " clipped to [0, 1]; see docs/methodology.md",
        "fewer than 8 quarters, DFF constant, or a Financial",
    ),
    Column(
        "implied_floating_r2",
        "double precision",
        "squared correlation of that regression: a low one says that the proxy says little",
        "implied_floating_share is",
    ),
    Column("implied_floating_quarters", "integer", "quarters in it", "implied_floating_share is"),
    Column(
        "effective_rate",
        "double precision",
        "fraction: interest_expense_ttm_usd over the mean of total debt at period_end and a "
        "year before",
        "a part is unknown, the debt is a lower bound, or the company is a Financial",
    ),
    Column(
        "market_rate",
        "double precision",
        "fraction: the index's market yield (market_rate.csv) as known on as_of_date, not over 14"
        " days old",
        "no series of the index has a value by then",
    ),
    Column("market_rate_series", "text", "FRED's id of the yield", "market_rate is"),
    Column(
        "uplift_usd",
        "double precision",
        "USD a year: due_12m_usd * (market_rate - effective_rate)",
        "a part is unknown",
    ),
    Column(
        "coverage_after_uplift",
        "double precision",
        "ebit_ttm_usd / (interest_expense_ttm_usd + uplift_usd)",
        "a part is unknown, or the sum is not above 0",
    ),
    Column(
        "sources",
        "text",
        "accession numbers of the filings behind each amount, as column: numbers, separated by "
        "semicolons; see docs/methodology.md",
        "none of the amounts is known",
    ),
    Column(
        "missing_reasons",
        "text",
        "why total debt or a trailing amount is NULL, as column: reason, separated by semicolons;"
        " filings that are not believed, too",
        "nothing is missing",
    ),
)

RULES = (
    *key_and_null_rules(KEY),
    between_rule("share_out_of_range", "a fraction is above 1", "greatest_fraction", None, 1),
    between_rule("share_negative", "a fraction is below 0", "least_fraction", 0, None),
    between_rule(
        "interest_negative", "interest expense is below 0", "interest_expense_ttm_usd", 0, None
    ),
    flag_rule("is_lookahead", "lookahead_report", "the report is later than as_of_date", "stop"),
    flag_rule(
        "is_covered",
        "coverage_set_for_financial",
        "interest_coverage is set for a Financial",
        "stop",
    ),
    flag_rule(
        "is_zombie_inconsistent",
        "is_zombie_inconsistent",
        "only one of is_zombie and years_below_one is NULL",
        "stop",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = count_nulls_and_infs(frame, COLUMNS)
    fractions = ["floating_share_disclosed", "implied_floating_share", "implied_floating_r2"]
    out["greatest_fraction"] = frame[fractions].astype(float).max(axis=1)
    out["least_fraction"] = frame[fractions].astype(float).min(axis=1)
    days = frame[["as_of_date", "period_end", "filed_date"]].apply(pd.to_datetime)
    latest = days[["period_end", "filed_date"]].max(axis=1)
    out["is_lookahead"] = latest > days["as_of_date"]
    is_financial = frame["sector"] == "Financials"
    out["is_covered"] = is_financial & frame["interest_coverage"].notna()
    out["is_zombie_inconsistent"] = frame["is_zombie"].notna() != frame["years_below_one"].notna()
    return out


CONTRACT = Contract(
    table="company_refinancing",
    schema="derived",
    grain="one row per (cik, as_of_date), quarter-ends: a company by its filings known then",
    source=(
        "core.company_fact, core.company_ticker, core.index_membership and core.macro_observation;"
        " rebuilt for the affected companies, from the first affected quarter-end"
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
    ),
    latest_date_column="as_of_date",
    rules=RULES,
    add_rule_columns=annotate,
)
