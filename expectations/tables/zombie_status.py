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
        "coverage_3y, coverage_3y_age_10, bis_tobins_q, fed_leverage_sales, "
        "goldman_coverage_return, de_jonghe_ebitda, or unprofitable (no zombie test); see "
        "docs/methodology.md",
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
        "derived.company_refinancing, the figures of filings stored with it, core.company,"
        " core.daily_price, core.corporate_action and core.index_membership; rebuilt from the first"
        " affected quarter-end"
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
        "corporate_action",
        "company_refinancing",
    ),
    latest_date_column="as_of_date",
    rules=RULES,
    add_rule_columns=annotate,
)
