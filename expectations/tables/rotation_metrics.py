"""How small does against large: one row per (pair, session_date).

A derived row that breaks a rule is an error of the calculation or of its inputs, and a hole in
its place would be taken for a missing session. So every rule here stops the batch, and yesterday's
rows stay.
"""

import numpy as np
import pandas as pd

from expectations.contract import Column, Contract, Rule, flag_rule

KEY = ("pair", "session_date")
HORIZONS = (1, 5, 21, 63, 126, 252)
QUADRANTS = ("leading", "weakening", "lagging", "improving")
REGIMES = ("rotation", "concentration", "undetermined")
NOT_FULL = "the window is not full"

COLUMNS = (
    Column("pair", "text", "SMALL/LARGE"),
    Column("session_date", "date", "XNYS session on which both trade; others have no row"),
    Column("ratio", "double precision", "split-adjusted close of SMALL over that of LARGE"),
    Column("ratio_sma_50", "double precision", "mean ratio of 50 sessions", NOT_FULL),
    Column("ratio_sma_200", "double precision", "mean ratio of 200 sessions", NOT_FULL),
    Column("ratio_drawdown_252", "double precision", "fraction off the 252-session high", NOT_FULL),
    *(
        Column(
            f"excess_return_{n}",
            "double precision",
            f"fraction, price returns over {n} of the pair's sessions",
            NOT_FULL,
        )
        for n in HORIZONS
    ),
    *(
        Column(
            f"excess_total_return_{n}",
            "double precision",
            f"fraction, total returns over {n} of the pair's sessions",
            NOT_FULL,
        )
        for n in HORIZONS
    ),
    Column(
        "zscore_252",
        "double precision",
        "standard deviations of ln ratio; window: 252 of the pair's sessions",
        NOT_FULL,
    ),
    Column("rs_ratio", "double precision", "100 is the trend", NOT_FULL),
    Column("rs_momentum", "double precision", "100 is the trend", NOT_FULL),
    Column("quadrant", "text", "leading, weakening, lagging or improving", "no rs_momentum yet"),
    Column(
        "outperformance_streak",
        "integer",
        "sessions in a row with SMALL ahead; only sessions on which both trade count",
    ),
    Column("beta_63", "double precision", "slope of SMALL's returns on LARGE's", NOT_FULL),
    Column("correlation_63", "double precision", "correlation of the returns", NOT_FULL),
    Column("regime", "text", "rotation, concentration or undetermined"),
)

RULES = (
    Rule(
        "duplicate_row",
        "a pair has a session twice",
        "ExpectCompoundColumnsToBeUnique",
        {"column_list": [*KEY]},
        "stop",
    ),
    Rule(
        "ratio_missing",
        "a row without a ratio: one of the two did not trade",
        "ExpectColumnValuesToNotBeNull",
        {"column": "ratio"},
        "stop",
    ),
    Rule(
        "ratio_not_positive",
        "the ratio of two prices is not above zero",
        "ExpectColumnValuesToBeBetween",
        {"column": "ratio", "min_value": 0, "strict_min": True},
        "stop",
    ),
    Rule(
        # the maximum includes the session itself
        "drawdown_out_of_range",
        "the drawdown is not above -1, or is above 0",
        "ExpectColumnValuesToBeBetween",
        {"column": "ratio_drawdown_252", "min_value": -1, "max_value": 0, "strict_min": True},
        "stop",
    ),
    Rule(
        # tolerance for rounding in two sums of 63 products
        "correlation_out_of_range",
        "the correlation is outside -1 to 1",
        "ExpectColumnValuesToBeBetween",
        {"column": "correlation_63", "min_value": -1 - 1e-9, "max_value": 1 + 1e-9},
        "stop",
    ),
    Rule(
        "streak_missing",
        "the streak is NULL instead of 0",
        "ExpectColumnValuesToNotBeNull",
        {"column": "outperformance_streak"},
        "stop",
    ),
    Rule(
        "streak_negative",
        "the streak is negative",
        "ExpectColumnValuesToBeBetween",
        {"column": "outperformance_streak", "min_value": 0},
        "stop",
    ),
    Rule(
        "quadrant_unknown",
        "the quadrant is not one of the four",
        "ExpectColumnValuesToBeInSet",
        {"column": "quadrant", "value_set": [*QUADRANTS]},
        "stop",
    ),
    flag_rule(
        "is_quadrant_inconsistent",
        "quadrant_inconsistent",
        "the quadrant must be set if rs_ratio and rs_momentum are, and only then",
        "stop",
    ),
    Rule(
        "regime_missing",
        "the regime is NULL instead of undetermined",
        "ExpectColumnValuesToNotBeNull",
        {"column": "regime"},
        "stop",
    ),
    Rule(
        "regime_unknown",
        "the regime is not rotation, concentration or undetermined",
        "ExpectColumnValuesToBeInSet",
        {"column": "regime", "value_set": [*REGIMES]},
        "stop",
    ),
    Rule(
        "value_infinite",
        "a number is infinite, perhaps after a division by zero",
        "ExpectColumnValuesToBeBetween",
        {"column": "infinite_values", "max_value": 0},
        "stop",
    ),
)


def annotate(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that rules check."""
    out = frame.copy()
    floats = [column.name for column in COLUMNS if column.sql_type == "double precision"]
    out["infinite_values"] = np.isinf(frame[floats].to_numpy(float, na_value=np.nan)).sum(axis=1)
    has_lines = frame["rs_ratio"].notna() & frame["rs_momentum"].notna()
    out["is_quadrant_inconsistent"] = frame["quadrant"].notna() != has_lines
    return out


CONTRACT = Contract(
    table="rotation_metrics",
    schema="derived",
    grain="one row per (pair, session_date)",
    source="core.daily_price and core.corporate_action; rebuilt when either changes",
    key=KEY,
    columns=COLUMNS,
    upstream=("daily_price", "corporate_action"),
    latest_date_column="session_date",
    rules=RULES,
    add_rule_columns=annotate,
)
