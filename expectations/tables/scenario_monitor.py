"""Conditions of the scenarios to watch: one row per (scenario, condition)."""

import pandas as pd

from expectations.contract import Column, Contract, flag_rule
from expectations.rules.table_rules import count_nulls_and_infs, key_and_null_rules

KEY = ("scenario", "condition")
UNKNOWN = "the series is not known on any day"
NEVER_MET = "it was never met"

COLUMNS = (
    Column("scenario", "text", "bull, bear_policy_mistake or bear_hard_landing"),
    Column("condition", "text", "name; the query is warehouse/claims/scenarios/<condition>.sql"),
    Column("description", "text", "the condition in words"),
    Column("series", "text", "series or table that decides it"),
    Column("threshold", "text", "bound of the value"),
    Column("unit", "text", "unit of newest_value"),
    Column("newest_value", "double precision", "value on as_of_date", UNKNOWN),
    Column("is_met", "boolean", "whether the condition is met on as_of_date", UNKNOWN),
    Column("met_since", "date", "first day of the run that still lasts", "it is not met now"),
    Column("first_met", "date", "first day on which it was met", NEVER_MET),
    Column("last_met", "date", "last day on which it was met", NEVER_MET),
    Column("days_met", "integer", "days on which it was met"),
    Column("known_since", "date", "first day for which it can be said", UNKNOWN),
    Column("as_of_date", "date", "last day for which it can be said", UNKNOWN),
    Column("evidence_query", "text", "SQL that any reader can run: day, value, is_met"),
)

RULES = (
    *key_and_null_rules(KEY),
    flag_rule(
        "is_run_contradictory",
        "run_contradictory",
        "met_since is given although the condition is not met, or the other way round",
        "stop",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = count_nulls_and_infs(frame, COLUMNS)
    out["is_run_contradictory"] = frame["is_met"].eq(True) != frame["met_since"].notna()
    return out


CONTRACT = Contract(
    table="scenario_monitor",
    schema="derived",
    grain="one row per condition of a scenario",
    source="published tables, by warehouse/claims/scenarios; rebuilt when they change",
    key=KEY,
    columns=COLUMNS,
    upstream=(
        "daily_price",
        "corporate_action",
        "index_membership",
        "macro_observation",
        "company",
        "company_fact",
        "company_ticker",
        "company_refinancing",
        "macro_regime",
    ),
    latest_date_column="as_of_date",
    rules=RULES,
    add_rule_columns=annotate,
)
