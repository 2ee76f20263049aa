"""Inflation, policy, curve, credit and jobs as known that day: one row per session_date."""

import pandas as pd

from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.table_rules import between_rule, count_nulls_and_infs, key_and_null_rules

KEY = ("session_date",)
PHASES = ("easing", "holding", "hiking")
NOT_PUBLISHED = "no value known that is recent enough"

COLUMNS = (
    Column("session_date", "date", "XNYS session; only values released before its close are used"),
    Column("cpi_reference_month", "date", "newest month with cpi_yoy_pct", NOT_PUBLISHED),
    Column("cpi_yoy_pct", "double precision", "CPIAUCNS over a year, percent", NOT_PUBLISHED),
    Column("core_cpi_reference_month", "date", "newest month with core_cpi_yoy_pct", NOT_PUBLISHED),
    Column("core_cpi_yoy_pct", "double precision", "CPILFENS over a year, percent", NOT_PUBLISHED),
    Column("cpi_adjusted_reference_month", "date", "newest month of CPIAUCSL", NOT_PUBLISHED),
    Column(
        "cpi_mom_pct", "double precision", "CPIAUCSL over a month, percent", "cpi_missing_reason"
    ),
    Column(
        "cpi_3m_annualised_pct",
        "double precision",
        "CPIAUCSL over three months at an annual rate, percent",
        "cpi_missing_reason",
    ),
    Column(
        "cpi_missing_reason",
        "text",
        "which change of CPI cannot be computed, and which month is missing for it",
        "none is missing, or no CPI is known",
    ),
    Column("fed_funds_pct", "double precision", "DFF, else EFFR, percent", NOT_PUBLISHED),
    Column("target_upper_pct", "double precision", "DFEDTARU, percent", NOT_PUBLISHED),
    Column(
        "real_fed_funds_pct",
        "double precision",
        "fed_funds_pct less core_cpi_yoy_pct",
        "one of the two is NULL",
    ),
    Column("t10y2y_pct", "double precision", "T10Y2Y, percent", NOT_PUBLISHED),
    Column("t10y3m_pct", "double precision", "T10Y3M, percent", NOT_PUBLISHED),
    Column(
        "curve_sessions_since_inversion",
        "integer",
        "sessions since t10y2y_pct was last below 0; 0 while it is",
        "it never was",
    ),
    Column("hy_oas_pct", "double precision", "BAMLH0A0HYM2, percent", NOT_PUBLISHED),
    Column(
        "dollar_change_63",
        "double precision",
        "change of DTWEXBGS over its last 63 observations, fraction",
        NOT_PUBLISHED,
    ),
    Column("unemployment_reference_month", "date", "newest month of UNRATE", NOT_PUBLISHED),
    Column("unemployment_pct", "double precision", "UNRATE, percent", NOT_PUBLISHED),
    Column(
        "claims_4wk_avg",
        "double precision",
        "mean of the last four weeks of ICSA, persons",
        "one of the weeks is not known",
    ),
    Column("gdp_reference_quarter", "date", "first day of the newest quarter", NOT_PUBLISHED),
    Column(
        "gdp_growth_pct",
        "double precision",
        "A191RL1Q225SBEA: real GDP over the quarter before at an annual rate, percent",
        NOT_PUBLISHED,
    ),
    Column("gdp_yoy_pct", "double precision", "GDPC1 over a year, percent", NOT_PUBLISHED),
    Column(
        "bp_from_cycle_peak",
        "double precision",
        "target_upper_pct against its maximum since the first hike of the cycle, basis points",
        "no hike is known",
    ),
    Column(
        "cuts_in_cycle", "integer", "cuts since the first hike of the cycle", "no hike is known"
    ),
    Column(
        "policy_phase",
        "text",
        "easing, hiking (direction of the last change of the target), or holding after 180 days"
        " without one",
        "no change is known in fewer than 180 days of data",
    ),
)

RULES = (
    *key_and_null_rules(KEY),
    # the widest of all months since 1914: -15.8 % and 23.7 %
    between_rule(
        "cpi_yoy_out_of_range", "cpi_yoy_pct is outside -20 to 30", "cpi_yoy_pct", -20, 30
    ),
    between_rule(
        "cpi_3m_out_of_range",
        "cpi_3m_annualised_pct is outside -40 to 60",
        "cpi_3m_annualised_pct",
        *(-40, 60),
    ),
    between_rule(
        "cycle_peak_below_target",
        "the target is above its own maximum",
        "bp_from_cycle_peak",
        *(None, 0),
    ),
    between_rule("cuts_negative", "cuts_in_cycle is negative", "cuts_in_cycle", 0, None),
    between_rule(
        "inversion_count_negative",
        "curve_sessions_since_inversion is negative",
        "curve_sessions_since_inversion",
        *(0, None),
    ),
    Rule(
        "phase_unknown",
        "policy_phase is not easing, holding or hiking",
        "ExpectColumnValuesToBeInSet",
        {"column": "policy_phase", "value_set": [*PHASES]},
        "stop",
    ),
    flag_rule(
        "is_cpi_without_reason",
        "cpi_missing_without_reason",
        "a change of CPI is NULL for a published month without a reason",
        "stop",
    ),
    flag_rule(
        "is_from_future",
        "reference_in_future",
        "a reference month or quarter has not ended before the session",
        "stop",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = count_nulls_and_infs(frame, COLUMNS)
    has_change = frame[["cpi_mom_pct", "cpi_3m_annualised_pct"]].notna().all(axis=1)
    is_published = frame["cpi_adjusted_reference_month"].notna()
    out["is_cpi_without_reason"] = is_published & ~has_change & frame["cpi_missing_reason"].isna()
    session = pd.to_datetime(frame["session_date"])
    out["is_from_future"] = False
    for column, months in (
        ("cpi_reference_month", 1),
        ("core_cpi_reference_month", 1),
        ("cpi_adjusted_reference_month", 1),
        ("unemployment_reference_month", 1),
        ("gdp_reference_quarter", 3),
    ):
        period_end = pd.to_datetime(frame[column]) + pd.DateOffset(months=months, days=-4)
        out["is_from_future"] |= period_end > session
    return out


CONTRACT = Contract(
    table="macro_regime",
    schema="derived",
    grain="one row per session_date, as known that day",
    source=(
        "core.macro_observation, by vintage and release time (macro_series.csv); a vintage changes"
        " no session before it"
    ),
    key=KEY,
    columns=COLUMNS,
    upstream=("macro_observation",),
    latest_date_column="session_date",
    rules=RULES,
    add_rule_columns=annotate,
)
