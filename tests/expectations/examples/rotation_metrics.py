"""Metrics of a pair: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from expectations.tables.rotation_metrics import CONTRACT
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """A first row with no window full yet, and a row with all of them."""
    floats = [c.name for c in CONTRACT.columns if c.sql_type == "double precision"]
    frame = pd.DataFrame(
        {
            "pair": "IWM/SPY",
            "session_date": pd.to_datetime(["2024-01-02", "2025-06-30"]),
            **{name: [np.nan, 0.01] for name in floats},
            "quadrant": [None, "leading"],
            "outperformance_streak": [0, 3],
            "regime": ["undetermined", "rotation"],
        }
    )
    frame["ratio"] = [0.42, 0.35]
    frame["ratio_drawdown_252"] = [np.nan, -0.02]
    frame["correlation_63"] = [np.nan, 1.0 + 5e-10]
    frame[["rs_ratio", "rs_momentum"]] = [[np.nan, np.nan], [101.0, 100.0]]
    return frame[[*CONTRACT.column_names]]


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "ratio_missing": lambda f: with_value(f, "ratio", np.nan, row=1),
    "ratio_not_positive": lambda f: with_value(f, "ratio", 0.0, row=1),
    "drawdown_out_of_range": lambda f: with_value(f, "ratio_drawdown_252", 0.001, row=1),
    "correlation_out_of_range": lambda f: with_value(f, "correlation_63", 1.001, row=1),
    "streak_missing": lambda f: f.assign(outperformance_streak=pd.array([0, None], dtype="Int64")),
    "streak_negative": lambda f: with_value(f, "outperformance_streak", -1, row=1),
    "quadrant_unknown": lambda f: with_value(f, "quadrant", "ahead", row=1),
    "quadrant_inconsistent": lambda f: with_value(f, "rs_momentum", np.nan, row=1),
    "regime_missing": lambda f: with_value(f, "regime", None, row=1),
    "regime_unknown": lambda f: with_value(f, "regime", "risk_on", row=1),
    "value_infinite": lambda f: with_value(f, "zscore_252", -np.inf, row=1),
}
