"""How returns follow changes of yields: one row per (subject, session_date)."""

import pandas as pd

from expectations.contract import Column, Contract, Rule, flag_rule
from expectations.rules.table_rules import between_rule, count_nulls_and_infs, key_and_null_rules

KEY = ("subject", "session_date")
KINDS = ("fund", "index_sector")
WINDOWS = (63, 252)
YIELDS = ("dgs2", "dgs10")
NOT_FULL = "fewer known pairs than the window, or the yield never changed"

COLUMNS = (
    Column("subject", "text", "ticker of sector_fund.csv, or INDEX/SECTOR of sector_breadth"),
    Column("session_date", "date", "XNYS session; only yields known by its close are used"),
    Column("kind", "text", "fund (total returns) or index_sector (cap-weighted price returns)"),
    Column(
        "window_end",
        "date",
        "session of the newest return used: the yields of later ones were not known",
        "no pair of return and change is known",
    ),
    Column(
        "is_backcast",
        "boolean",
        "whether the windows have sessions before the index's first snapshot was known",
        "a fund, or no pair is known",
    ),
    *(
        column
        for name in YIELDS
        for n in WINDOWS
        for column in (
            Column(
                f"beta_{name}_{n}_pct",
                "double precision",
                f"OLS slope of the return on the change of {name.upper()}, percent per 100 bp",
                NOT_FULL,
            ),
            Column(
                f"se_{name}_{n}_pct", "double precision", "standard error of the slope", NOT_FULL
            ),
            Column(f"n_{name}_{n}", "integer", f"pairs of return and change, {n} in a full window"),
        )
    ),
)
SLOPES = [f"beta_{name}_{n}_pct" for name in YIELDS for n in WINDOWS]
ERRORS = [f"se_{name}_{n}_pct" for name in YIELDS for n in WINDOWS]

RULES = (
    *key_and_null_rules(KEY),
    Rule(
        "kind_unknown",
        "the kind is neither fund nor index_sector",
        "ExpectColumnValuesToBeInSet",
        {"column": "kind", "value_set": [*KINDS]},
        "stop",
    ),
    flag_rule(
        "is_error_inconsistent",
        "error_inconsistent",
        "a slope has no standard error, an error has no slope, or an error is below 0",
        "stop",
    ),
    flag_rule(
        "is_count_wrong",
        "pairs_out_of_range",
        "the number of pairs is outside 0 to the window, or a slope has fewer than the window",
        "stop",
    ),
    between_rule("window_ends_late", "the window ends after the session", "days_ahead", None, 0),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = count_nulls_and_infs(frame, COLUMNS)
    out["is_error_inconsistent"] = (frame[ERRORS] < 0).any(axis=1)
    out["is_count_wrong"] = False
    for name in YIELDS:
        for n in WINDOWS:
            slope, error = frame[f"beta_{name}_{n}_pct"], frame[f"se_{name}_{n}_pct"]
            out["is_error_inconsistent"] |= slope.notna() != error.notna()
            pairs = frame[f"n_{name}_{n}"]
            out["is_count_wrong"] |= ~pairs.between(0, n) | (slope.notna() & (pairs < n))
    ahead = pd.to_datetime(frame["window_end"]) - pd.to_datetime(frame["session_date"])
    out["days_ahead"] = ahead.dt.days
    return out


CONTRACT = Contract(
    table="rate_sensitivity",
    schema="derived",
    grain="one row per (subject, session_date): rolling betas to changes of Treasury yields",
    source=(
        "core.daily_price, core.corporate_action, derived.sector_breadth and the yields of"
        " core.macro_observation; rebuilt when one changes"
    ),
    key=KEY,
    columns=COLUMNS,
    upstream=(
        "daily_price",
        "corporate_action",
        "index_membership",
        "macro_observation",
        "sector_breadth",
    ),
    latest_date_column="session_date",
    rules=RULES,
    add_rule_columns=annotate,
)
