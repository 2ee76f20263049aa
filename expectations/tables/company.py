"""Companies that file with the SEC: one row per cik."""

from datetime import date

import pandas as pd
import polars as pl

from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.duplicates import duplicate_rows

KEY = ("cik",)

COLUMNS = (
    Column("cik", "integer", "the SEC's number of the filer"),
    Column("name", "text", "as the SEC spells it today"),
    Column("sic", "text", "four digits of the Standard Industrial Classification", "not given"),
    Column("sic_description", "text", "the classification in words", "not given"),
    Column("fiscal_year_end", "text", "MMDD on which fiscal years end", "not given"),
    Column(
        "first_filed_date",
        "date",
        "oldest filing that EDGAR lists: the company is at least this old",
        "EDGAR lists none",
    ),
)

RULES = (
    Rule(
        "name_missing",
        "the company has no name",
        "ExpectColumnValuesToNotBeNull",
        {"column": "name"},
    ),
    Rule(
        "cik_implausible",
        "the CIK is not above zero",
        "ExpectColumnValuesToBeBetween",
        {"column": "cik", "min_value": 1},
    ),
    Rule(
        "sic_malformed",
        "the SIC code is not four digits",
        "ExpectColumnValuesToMatchRegex",
        {"column": "sic", "regex": r"^\d{4}$"},
        nullify_column="sic",
    ),
    Rule(
        # 0229 is filed if the year ends on the last day of February
        "fiscal_year_end_malformed",
        "the fiscal year end is not a month and a day (MMDD)",
        "ExpectColumnValuesToMatchRegex",
        {
            "column": "fiscal_year_end",
            "regex": r"^(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$",
        },
        nullify_column="fiscal_year_end",
    ),
    flag_rule(
        "is_before_edgar",
        "first_filed_before_edgar",
        "the oldest filing is dated before EDGAR began in 1993",
        nullify_column="first_filed_date",
    ),
    flag_rule(
        "is_duplicate",
        "duplicate_company",
        "the batch has the company more than once, with the same or with conflicting values",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = frame.copy()
    out["is_before_edgar"] = pd.to_datetime(frame["first_filed_date"]) < pd.Timestamp("1993-01-01")
    out["is_duplicate"] = duplicate_rows(frame, KEY, ("name", "sic", "fiscal_year_end"))
    return out


CONTRACT = Contract(
    table="company",
    schema="core",
    grain="one row per cik",
    source=(
        "the SEC's submissions: a filer's present profile (past names and classifications are not"
        " served) and the dates of its filings"
    ),
    key=KEY,
    columns=COLUMNS,
    # a classification or an age affects every derived row of the company, from its oldest filing
    dirty_from=pl.col("first_filed_date").min().fill_null(date(1993, 1, 1)),
    rules=RULES,
    add_rule_columns=annotate,
)
