"""Reactions to releases: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from expectations.tables.release_reaction import CONTRACT
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """A pair with a forecast, and a new fund without a model."""
    row: dict[str, object] = {
        "release": "cpi",
        "release_date": pd.Timestamp("2025-10-24"),
        "subject": "IWM/SPY",
        "event_window": "day_0",
        "event_session": pd.Timestamp("2025-10-24"),
        "window_end": pd.Timestamp("2025-10-24"),
        "known_from": pd.Timestamp("2025-10-24"),
        "reference_date": pd.Timestamp("2025-09-01"),
        "value_pct": 3.01,
        "previous_pct": 2.92,
        "consensus_pct": 3.1,
        "consensus_source": "survey",
        "consensus_published_on": pd.Timestamp("2025-10-22"),
        "surprise_pct": -0.1,
        "surprise_in_sd": -1.2,
        "total_return": 0.004,
        "abnormal_return": 0.003,
        "standard_error": 0.007,
        "t_statistic": 0.43,
        "alpha": 0.0001,
        "beta": 0.3,
        "residual_sd": 0.007,
        "missing_reason": None,
    }
    bare = row | dict.fromkeys([*row][10:15]) | dict.fromkeys([*row][16:22])
    bare |= {"subject": "XLC", "missing_reason": "fewer than 120 sessions to estimate the model"}
    floats = {
        column.name: float for column in CONTRACT.columns if column.sql_type == "double precision"
    }
    return pd.DataFrame([row, bare]).astype(floats)


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "known_from", pd.NaT),
    "value_infinite": lambda f: with_value(f, "t_statistic", np.inf),
    "release_not_listed": lambda f: with_value(f, "release", "payrolls"),
    "window_unknown": lambda f: with_value(f, "event_window", "day_1"),
    "return_out_of_range": lambda f: with_value(f, "total_return", 4.0),
    "error_negative": lambda f: with_value(f, "standard_error", -0.1),
    "model_unexplained": lambda f: with_value(f, "missing_reason", None, row=1),
    "dates_out_of_order": lambda f: with_value(f, "known_from", pd.Timestamp("2025-10-23")),
    "surprise_inconsistent": lambda f: with_value(f, "consensus_source", None),
}
