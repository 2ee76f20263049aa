"""Zombie status of companies: one row per (cik, as_of_date, definition)."""

import pandas as pd

from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.table_rules import count_nulls_and_infs, key_and_null_rules

KEY = ("cik", "as_of_date", "definition")
DEFINITIONS = (
    "coverage_3y",
    "coverage_3y_age_10",
    "bis_tobins_q",
    "fed_leverage_sales",
    "goldman_coverage_return",
    "de_jonghe_ebitda",
    "unprofitable",
)

COLUMNS = (
    Column("cik", "integer", "the SEC's number of the filer"),
    Column("as_of_date", "date", "calendar quarter-end; only what was known by then counts"),
    Column(
        "definition",
        "text",
        "coverage_3y: EBIT below interest in each of the last three fiscal years."
        " coverage_3y_age_10: and ten years since its first filing."
        " bis_tobins_q (Banerjee and Hofmann): and Tobin's q, market value of the shares plus"
        " liabilities over assets, below the median of its sector."
        " fed_leverage_sales (Favara, Minoiu and Perez-Orive): EBIT below interest in the last"
        " year, debt over assets above the median of all companies, and revenue below that of"
        " three years before, in dollars of the day."
        " goldman_coverage_return: EBIT below interest in the last two years, and a total return"
        " over two years below the median of its index's members."
        " de_jonghe_ebitda: EBITDA of the last three years together below their interest."
        " unprofitable: net income of the last four quarters below 0, which is not a zombie's"
        " mark and stands here to be told apart",
    ),
    Column("sector", "text", "GICS sector on that day", "no followed index lists the company"),
    Column(
        "is_zombie",
        "boolean",
        "whether the definition holds; one condition known not to hold decides it",
        "what decides it is not known: missing_reason",
    ),
    Column("missing_reason", "text", "what is not known", "is_zombie is known"),
)

RULES = (
    # the table has no floating-point columns
    *(rule for rule in key_and_null_rules(KEY) if rule.name != "value_infinite"),
    Rule(
        "definition_unknown",
        "the definition is not one of DEFINITIONS",
        "ExpectColumnValuesToBeInSet",
        {"column": "definition", "value_set": [*DEFINITIONS]},
        "stop",
    ),
    flag_rule(
        "is_financial", "financial_zombie", "the row is of a Financial, which are excluded", "stop"
    ),
    flag_rule(
        "is_unexplained",
        "missing_reason_inconsistent",
        "missing_reason must be set if is_zombie is NULL, and only then",
        "stop",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = count_nulls_and_infs(frame, COLUMNS)
    out["is_financial"] = frame["sector"] == "Financials"
    out["is_unexplained"] = frame["is_zombie"].notna() == frame["missing_reason"].notna()
    return out


CONTRACT = Contract(
    table="zombie_status",
    schema="derived",
    grain="one row per (cik, as_of_date, definition): whether a company is a zombie by it",
    source=(
        "core.company_fact, core.company, core.daily_price, core.corporate_action,"
        " core.index_membership and derived.company_refinancing; rebuilt from the first affected"
        " quarter-end"
    ),
    key=KEY,
    columns=COLUMNS,
    rules=RULES,
    add_rule_columns=annotate,
)
