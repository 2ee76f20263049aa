"""Debt, maturities and interest of companies: one row per (cik, as_of_date), quarter-ends."""

import pandas as pd

from expectations.contract import Column, Contract, flag_rule
from expectations.rules.table_rules import between_rule, count_nulls_and_infs, key_and_null_rules

KEY = ("cik", "as_of_date")
NOT_A_MEMBER = "no followed index lists the company on that day"
NOT_FILED = "the newest report has no tag for it, or a part is missing"
NULL_IF_MIXED_BASIS = (
    ", or by over a tenth one was restated since without the others (a division was sold, a company"
    " went into a shell)"
)
NO_LADDER = "no ladder is known"
FINANCIAL = (
    "or the company is a Financial (by sector; where no index lists it, by its SIC code), whose"
    " interest is what its funds cost"
)

COLUMNS = (
    Column("cik", "integer", "the SEC's number of the filer"),
    Column(
        "as_of_date",
        "date",
        "calendar quarter-end; only facts with known_from not after it count, and no row is where"
        " the newest report is over 456 days old",
    ),
    Column("ticker", "text", "symbol of the largest line in the index", NOT_A_MEMBER),
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
        f"{NOT_FILED}: what falls due soon is no total by itself; or a figure is below 0",
    ),
    Column(
        "total_debt_basis",
        "text",
        "what total_debt_usd is the sum of; notes: the largest kind of notes that is filed (or the"
        " sum of two that are apart, as secured and unsecured ones), where no total is, so at least"
        " that much is owed. Notes of over 1.5 times a total are beside it. Of two figures of a day"
        " that contradict each other (a total below its part, by over half a percent) one is left"
        " out, as said here",
        "it is unknown",
    ),
    Column("cash_usd", "double precision", "USD on period_end", NOT_FILED),
    Column(
        "ladder_period_end",
        "date",
        "day of the ladder: the newest known that explains the debt of its day (ladder_gap_pct"
        " within -30 and 30, or not known), is not stale and has no bucket below 0; else the newest"
        " that explains less, else the newest. Many quarterly ladders end with the fourth year, and"
        " the annual one before says more",
        NO_LADDER,
    ),
    Column(
        "ladder_family",
        "text",
        "fiscal, rolling or with_leases: of the filings of that day, the one with the most buckets;"
        " of such the newest",
        NO_LADDER,
    ),
    Column("ladder_accession_number", "text", "the newest filing behind the ladder", NO_LADDER),
    Column("ladder_total_usd", "double precision", "USD: sum of its buckets", NO_LADDER),
    Column("is_ladder_partial", "boolean", "the ladder lacks a bucket", NO_LADDER),
    Column(
        "is_ladder_stale",
        "boolean",
        "the ladder is over 456 days old, or a later annual report came without one: it is in no"
        " wall, and due_12m_usd and due_36m_usd are NULL",
        NO_LADDER,
    ),
    Column(
        "is_ladder_implausible",
        "boolean",
        "the ladder adds up to over 1.3 times the debt of its day, or to a thousandth or a"
        " millionth of it (to 30 percent): a figure in other units, for instance. Where that debt"
        " is not filed, to over ten times that of an annual report of the 456 days before. Also"
        " where a bucket is below 0, a slip of the filer's sign. It is in no wall, and due_12m_usd"
        " and due_36m_usd are NULL",
        NO_LADDER,
    ),
    Column(
        "ladder_gap_pct",
        "double precision",
        "percent: ladder_total_usd over total debt on the ladder's own day, less 100, by all"
        " reports or by the ladder's own filing, whichever states more (a later report may state a"
        " part under the same tag). The ladder is principal, the debt a carrying amount. Beyond -30"
        " and 30 the ladder does not explain the debt",
        f"{NO_LADDER}, or the debt of its day is unknown or 0, or the ladder is above what is only"
        " the least that is owed",
    ),
    Column(
        "due_12m_usd",
        "double precision",
        "USD due within 12 months after ladder_period_end; a bucket that spans the end of them"
        " counts by days",
        f"{NO_LADDER}, it is stale or excessive, or a bucket of that time is missing",
    ),
    Column("due_36m_usd", "double precision", "USD, the same within 36 months", "likewise"),
    Column(
        "interest_expense_ttm_usd",
        "double precision",
        "USD over the four fiscal quarters to period_end, as accrued; where no report tells that,"
        " as paid in cash (interest_tags says so), never a sum of both. Operating and nonoperating"
        " interest are summed where no total is filed that is as much, and what is below a third of"
        " the income statement's line counts for a part of it. A minus as filed is taken"
        " for the filer's way of writing a cost, if it writes all amounts of the tag so",
        f"{NOT_FILED}, or the parts have different signs{NULL_IF_MIXED_BASIS}",
    ),
    Column("interest_tags", "text", "the tags that it is from", "it is unknown"),
    Column(
        "pretax_income_ttm_usd",
        "double precision",
        "USD, likewise; net income plus taxes where it is not filed",
        NOT_FILED + NULL_IF_MIXED_BASIS,
    ),
    Column("ebit_ttm_usd", "double precision", "USD, likewise", NOT_FILED + NULL_IF_MIXED_BASIS),
    Column(
        "ebit_basis",
        "text",
        "operating income; where that is not filed, pretax income + interest expense, or + interest"
        " paid where only that is known",
        "EBIT is unknown",
    ),
    Column(
        "net_income_ttm_usd", "double precision", "USD, likewise", NOT_FILED + NULL_IF_MIXED_BASIS
    ),
    Column(
        "interest_coverage",
        "double precision",
        "ebit_ttm_usd / interest_expense_ttm_usd",
        f"a part is unknown, interest is 0, {FINANCIAL}",
    ),
    Column(
        "years_below_one",
        "integer",
        "fiscal years in a row, up to the newest of an annual report, with EBIT below interest",
        "a year within the last three is unknown, none was filed in the last 456 days,"
        f" {FINANCIAL}",
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
        "fraction of debt at variable rates, from the variable-rate tags where they agree with"
        " each other or with the amounts",
        "not disclosed as facts, as with nearly all filers, or what is does not agree",
    ),
    Column(
        "implied_floating_share",
        "double precision",
        "fraction, a proxy: OLS slope of the quarterly effective rate (interest of the quarter, on"
        " 365 days, over the mean of debt before and after it) on the quarter's mean DFF, the last"
        " 12 quarters, clipped to [0, 1]",
        f"fewer than 8 quarters, DFF did not move, {FINANCIAL}",
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
        "fraction: interest_expense_ttm_usd over the mean of total debt a year before period_end"
        " and on it",
        "a part is unknown, or of the debt only the least that is owed (several kinds of notes, or"
        f" short-term borrowings, and no total), {FINANCIAL}",
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
        "column: the accession numbers that its value is made of; separated by semicolons. Of total"
        " debt, cash, interest, income (pretax, EBIT, net), effective_rate (with the debt a year"
        " before) and years_below_one (the years looked at). What is made of these is not repeated;"
        " a ladder's filings are in debt_maturity, by ladder_period_end and ladder_family; those of"
        " the floating shares are not told",
        "none of these is known",
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
    rules=RULES,
    add_rule_columns=annotate,
)
