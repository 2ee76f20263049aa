"""Companies by ticker as the SEC lists them: one row per (ticker, known_from)."""

import pandas as pd
import polars as pl

from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.duplicates import duplicate_rows

KEY = ("ticker", "known_from")

COLUMNS = (
    Column("ticker", "text", "symbol in the SEC's and Yahoo's spelling"),
    Column("known_from", "date", "day in New York on which the SEC's list first had it so"),
    Column("cik", "integer", "the SEC's number of the filer"),
    Column("name", "text", "the filer's name on that day"),
    Column("exchange", "text", "Nasdaq, NYSE, CBOE or OTC, on that day", "the list gives none"),
)

RULES = (
    Rule(
        "ticker_malformed",
        "the ticker is not letters and digits with an optional share class after a dash",
        "ExpectColumnValuesToMatchRegex",
        {"column": "ticker", "regex": r"^[A-Z0-9]{1,8}(?:-[A-Z0-9]{1,4})?$"},
    ),
    Rule(
        "cik_implausible",
        "the CIK is not above zero",
        "ExpectColumnValuesToBeBetween",
        {"column": "cik", "min_value": 1},
    ),
    Rule(
        "name_missing",
        "the company has no name",
        "ExpectColumnValuesToNotBeNull",
        {"column": "name"},
    ),
    flag_rule(
        "is_duplicate",
        "duplicate_ticker",
        "the list has the ticker more than once: duplicates of a loaded one, or"
        " conflicting companies, of which none is loaded",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    return frame.assign(is_duplicate=duplicate_rows(frame, KEY, ("cik",)))


CONTRACT = Contract(
    table="company_ticker",
    schema="core",
    grain="one row per (ticker, known_from)",
    source=(
        "the SEC's company_tickers_exchange.json, which has today's listings only: tickers delisted"
        " before the first fetch are missing, tickers delisted since stay here"
    ),
    key=KEY,
    columns=COLUMNS,
    dirty_from=pl.col("known_from").min(),
    rules=RULES,
    add_rule_columns=annotate,
)
