"""Excess returns by season: one row per (pair, season, year).

Each row's statistics are of the years up to its own, so no later year changes it. The view
published.seasonality_latest has the newest row per pair and season.
"""

import pandas as pd

from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.table_rules import between_rule, count_nulls_and_infs, key_and_null_rules

KEY = ("pair", "season", "year")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
TURN_OF_YEAR = "turn_of_year"
ONE_YEAR = "there is one year only"

COLUMNS = (
    Column("pair", "text", "SMALL/LARGE"),
    Column("season", "text", "a calendar month, or turn_of_year: 15 December to 31 January"),
    Column("year", "integer", "calendar year; of turn_of_year, that of its January"),
    Column("base_session", "date", "last session of the pair before the season"),
    Column("last_session", "date", "last session of the pair in the season"),
    Column("known_from", "date", "session of the pair from which the season is over"),
    Column(
        "excess_return",
        "double precision",
        "return of SMALL less that of LARGE, base to last session, price returns, fraction",
    ),
    Column("years", "integer", "number of years with the season, up to this one"),
    Column("mean_excess_return", "double precision", "their mean, fraction"),
    Column("sd_excess_return", "double precision", "standard deviation (n-1), fraction", ONE_YEAR),
    Column(
        "t_statistic",
        "double precision",
        "mean over its standard error",
        "one year only, or all are equal",
    ),
    Column("hit_rate", "double precision", "share of the years with SMALL ahead, fraction"),
)

RULES = (
    *key_and_null_rules(KEY),
    Rule(
        "season_unknown",
        "the season is neither a month nor turn_of_year",
        "ExpectColumnValuesToBeInSet",
        {"column": "season", "value_set": [*MONTHS, TURN_OF_YEAR]},
        "stop",
    ),
    between_rule("hit_rate_out_of_range", "hit_rate is outside 0 to 1", "hit_rate", 0, 1),
    # small against large in a month: between -14 and 17 percent since 1990
    between_rule(
        "excess_return_out_of_range", "the excess return is outside -1 to 1", "excess_return", -1, 1
    ),
    between_rule("years_not_positive", "years is below 1", "years", 1, None),
    flag_rule(
        "is_order_wrong",
        "dates_out_of_order",
        "base session, last session and known_from are not in this order",
        "stop",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = count_nulls_and_infs(frame, COLUMNS)
    base, last, known = (
        pd.to_datetime(frame[name]) for name in ("base_session", "last_session", "known_from")
    )
    out["is_order_wrong"] = (base >= last) | (last > known)
    return out


CONTRACT = Contract(
    table="seasonality",
    schema="derived",
    grain="one row per (pair, season, year), with statistics of the years up to it",
    source="core.daily_price and core.corporate_action; rebuilt when either changes",
    key=KEY,
    columns=COLUMNS,
    upstream=("daily_price", "corporate_action", "rotation_metrics"),
    latest_date_column="last_session",
    rules=RULES,
    add_rule_columns=annotate,
)
